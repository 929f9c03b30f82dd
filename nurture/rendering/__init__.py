"""From what the owner wrote to the bytes that one person receives.

source -> MJML -> compiled email (once per revision) -> prepared pieces (once per
process) -> one person's message (joined bytes).
"""

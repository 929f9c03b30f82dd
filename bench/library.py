"""The emails that are measured: one long article, among emails the program comes with."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent
SHIPPED = HERE.parent / "templates/emails"
SEQUENCE, ARTICLE, GUIDE = "bench", "article", "your-guide"
FORM = "bench-guide"


def lay_out_library(root: Path) -> Path:
    """Assemble a library under `root`, laid out as NURTURE_TEMPLATES_DIR requires."""
    folder = root / SEQUENCE
    folder.mkdir(parents=True)
    shutil.copytree(SHIPPED / "layout", root / "layout")
    shutil.copyfile(SHIPPED / "practice.toml", root / "practice.toml")
    for name in (f"{GUIDE}.md", f"{GUIDE}.txt", "discovery-session.md"):
        shutil.copyfile(SHIPPED / "pain-guide" / name, folder / name)
    shutil.copyfile(SHIPPED / "pain-guide" / "guide.pdf", folder / "guide.pdf")
    for path in (HERE / "emails").iterdir():
        shutil.copyfile(path, folder / path.name)
    return root

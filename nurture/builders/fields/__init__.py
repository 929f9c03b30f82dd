"""The fields of a form: plain values out of whatever was sent, and the signup they make."""

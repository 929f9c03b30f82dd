"""Two months of five people's lives, played by the real program on a moved clock."""

from nurture.demo.play import play

__all__ = ["play"]

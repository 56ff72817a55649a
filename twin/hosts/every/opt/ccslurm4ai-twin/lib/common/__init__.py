"""What the stand-ins on servers and on nodes have in common. What they accept, print and refuse is listed, with
sources, in twin/CLAIMS.md."""


class Refused(Exception):
    """Something that the real program would refuse; its text is what the user sees."""

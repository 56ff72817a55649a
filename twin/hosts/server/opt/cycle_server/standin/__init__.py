"""Stand-ins for CycleCloud's server and command line. What they accept, print and refuse is listed, with sources, in
twin/CLAIMS.md."""


class Refused(Exception):
    """Something that the real program would refuse; its text is what the user sees."""

"""Stand-ins for CycleCloud's server and command line."""

//! `ccslurm4ai-twin`: rehearse ccslurm4ai against a simulated Azure and real hosts.

fn main() {}

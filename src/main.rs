//! `ccslurm4ai`: a Slurm GPU cluster on Azure with one command.

fn main() {}

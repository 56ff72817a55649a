//! What the programs for GPUs print, read.

/// GPUs in `nvidia-smi -L`: the lines `GPU N: …`, not those of MIG devices below them.
pub fn gpus(text: &str) -> u32 {
    let is_gpu = |line: &&str| {
        let number = line.strip_prefix("GPU ").and_then(|rest| rest.split_once(':'));
        number.is_some_and(|(number, _)| number.parse::<u32>().is_ok())
    };
    text.lines().filter(is_gpu).count().try_into().unwrap_or(u32::MAX)
}

/// Bus bandwidth in GB/s, out of place, of the largest message in the output of `all_reduce_perf`; `None` when it has
/// no row. A row is `size count type redop [root] time algbw busbw …`; launchers may put a tag in front of it.
/// The average at its end is over all sizes, and small ones say nothing about a network.
pub fn bus_bandwidth(text: &str) -> Option<f64> {
    let rows = text.lines().filter_map(row);
    let largest = rows.max_by(|(one, _), (other, _)| one.cmp(other));
    largest.map(|(_, bandwidth)| bandwidth)
}

fn row(line: &str) -> Option<(u64, f64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "sum").filter(|at| *at >= 3)?;
    let size = words[at - 3].parse().ok()?;
    words[at - 2].parse::<u64>().ok()?;
    let after = words.get(at + 1..)?;
    // Old versions have no `root`: then a row has eight figures after the operation, else nine or more.
    let bandwidth = if after.len() > 8 { after.get(3) } else { after.get(2) };
    Some((size, bandwidth?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    }

    #[test]
    fn the_largest_message_of_recorded_runs_counts() {
        for (file, expected) in [
            ("nccl-allreduce-azure-2node-ib-good.txt", 187.22),
            ("nccl-allreduce-azure-2node-ipoib-slow.txt", 3.15),
            ("nccl-allreduce-a100-8gpu-good.txt", 235.26),
            ("nccl-allreduce-h100-2node-p5-good.txt", 487.09),
            ("nccl-allreduce-h100-8gpu-mpirun-tagged.txt", 483.05),
            ("nccl-allreduce-2node-roce-slow.txt", 22.92),
        ] {
            assert_eq!(bus_bandwidth(&recorded(file)), Some(expected), "{file}");
        }
        assert_eq!(bus_bandwidth(&recorded("nccl-allreduce-mpirun-not-enough-slots.txt")), None);
    }

    #[test]
    fn parts_of_a_gpu_are_no_gpus() {
        for name in ["h100", "h100-mig", "h200"] {
            assert_eq!(gpus(&recorded(&format!("nvidia-smi-L-{name}-590-healthy.txt"))), 1, "{name}");
        }
        assert_eq!(gpus("No devices were found\n"), 0);
    }
}

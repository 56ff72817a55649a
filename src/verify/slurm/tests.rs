//! The readers on recorded outputs.

use super::*;

fn recorded(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

#[test]
fn recorded_nodes_are_idle_up_off_or_sick() {
    let told = |name: &str| {
        let nodes = nodes(&recorded(name)).unwrap();
        let node = &nodes[0];
        [node.is_idle(), node.is_up(), node.is_off(), node.is_sick()]
    };
    for version in ["24.05", "24.11", "25.11"] {
        assert_eq!(told(&format!("slurm-rest-node-{version}-idle.json")), [true, true, false, false]);
    }
    for version in ["24.05", "25.11"] {
        assert_eq!(told(&format!("slurm-rest-node-{version}-drain.json")), [false, false, false, true]);
        assert_eq!(told(&format!("slurm-rest-node-{version}-down.json")), [false; 4]);
    }
    for state in ["allocated", "mixed"] {
        let file = format!("slurm-rest-node-25.11-{state}.json");
        assert_eq!(told(&file), [false, true, false, false], "{state}");
    }
    assert_eq!(told("slurm-rest-node-25.11-draining.json"), [false, false, false, true]);
    let drained = nodes(&recorded("slurm-rest-node-25.11-drain.json")).unwrap();
    assert_eq!(drained[0].condition(), "IDLE+DRAIN (ECC memory error)");
    assert_eq!(drained[0].partitions, ["normal"]);
}

#[test]
fn a_recorded_cluster_of_gpu_nodes_is_read_whole() {
    let nodes = nodes(&recorded("slurm-rest-nodes-24.05.6-gpu8-cut.json")).unwrap();
    let count = |is: fn(&Node) -> bool| nodes.iter().filter(|node| is(node)).count();
    assert_eq!([nodes.len(), count(Node::is_idle), count(Node::is_up), count(Node::is_sick)], [9, 2, 6, 3]);
}

#[test]
fn nodes_that_are_off_are_neither_up_nor_sick() {
    let node = |state: &[&str]| Node {
        name: "n".into(),
        state: state.iter().map(|one| (*one).to_owned()).collect(),
        partitions: Vec::new(),
        reason: String::new(),
    };
    for off in [&["FUTURE"][..], &["IDLE", "CLOUD", "POWERED_DOWN"]] {
        let node = node(off);
        assert!(node.is_off() && !node.is_up() && !node.is_idle() && !node.is_sick(), "{off:?}");
    }
    for on_its_way in [&["IDLE", "CLOUD", "POWERING_UP"][..], &["IDLE", "CLOUD", "POWERING_DOWN"]] {
        let node = node(on_its_way);
        assert!(!node.is_off() && !node.is_up(), "{on_its_way:?}");
    }
}

#[test]
fn recorded_jobs_are_going_or_ended() {
    for version in ["24.11", "25.11"] {
        let read = |state: &str| job(&recorded(&format!("slurm-rest-job-{version}-{state}.json"))).unwrap();
        assert_eq!(read("completed"), Job::Completed);
        assert!(matches!(read("failed"), Job::Ended(state) if state.starts_with("FAILED")));
        assert!(matches!(read("pending"), Job::Going(state) if state.starts_with("PENDING (")));
        assert!(matches!(read("running"), Job::Going(state) if state == "RUNNING"));
        let read = |state: &str| accounted(&recorded(&format!("slurm-rest-dbjob-{version}-{state}.json")));
        assert!(matches!(read("completed"), Some((Job::Completed, node)) if node == "cn1"));
        assert!(matches!(read("timeout"), Some((Job::Ended(state), _)) if state == "TIMEOUT"));
    }
    let late = job(&recorded("slurm-rest-job-25.11-timeout.json")).unwrap();
    assert!(matches!(late, Job::Ended(state) if state.starts_with("TIMEOUT")));
    assert_eq!((job("{}"), accounted(r#"{"jobs": []}"#)), (None, None));
}

#[test]
fn recorded_partitions_have_as_many_nodes_as_slurm_says() {
    let text = recorded("slurm-scontrol-show-partition-o.txt");
    let partitions = partitions(&text);
    let said = text.lines().map(|line| {
        let (_, rest) = line.split_once("TotalNodes=").unwrap();
        rest.split(' ').next().unwrap().parse::<usize>().unwrap()
    });
    for (partition, total) in partitions.iter().zip(said) {
        assert!(partition.is_up && partition.nodes.len().abs_diff(total) <= 1, "{}: {total}", partition.name);
    }
    assert_eq!(partitions[0].name, "partition1");
    assert_eq!(partitions[0].nodes[..2], ["node0201", "node0202"]);
    assert_eq!(partitions[0].nodes.len(), 3140);
}

//! How long `install` takes with stand-in programs: what it adds itself, and what running az calls side by side
//! saves. Run by `scripts/bench`; `cargo test` starts this too, and gets nothing.

#![allow(dead_code, reason = "the tests of `install` use the rest of what they share with this")]

#[path = "../tests/check/scene.rs"]
mod scene;
#[path = "../tests/install/site.rs"]
mod site;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use site::Site;

const ROUNDS: usize = 15;
const CALL_S: f64 = 1.2;
const DEPLOYMENT_S: f64 = 10.0;
const PLAYBOOK_S: f64 = 5.0;

/// One program that ran, in seconds since 1970.
struct Child {
    call: String,
    from: f64,
    to: f64,
}

impl Child {
    /// Runs beside everything else until the playbook has ended.
    fn is_connection(&self) -> bool {
        self.call.starts_with("az network bastion tunnel") || self.call.starts_with("ssh -M")
    }

    /// One of the repeated looks at a deployment while it runs.
    fn is_look(&self) -> bool {
        self.call.contains("/deployments/ccslurm4ai-")
    }
}

/// What one run took.
struct Measured {
    wall: f64,
    children: Vec<Child>,
}

impl Measured {
    /// Wall time in which none of the `counted` children ran.
    fn alone(&self, counted: impl Fn(&Child) -> bool) -> f64 {
        let mut spans: Vec<_> =
            self.children.iter().filter(|child| counted(child)).map(|child| (child.from, child.to)).collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut busy, mut until) = (0.0, f64::MIN);
        for (from, to) in spans {
            busy += (to - from.max(until)).max(0.0);
            until = until.max(to);
        }
        self.wall - busy
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// Puts a clock before every program of the site.
fn clock(site: &Site) {
    let real = site.path("real");
    fs::create_dir(&real).expect("made");
    for name in ["az", "ssh", "ssh-keygen", "python3"] {
        clock_program(site, &site.path("bin").join(name), &real.join(name));
    }
    clock_program(site, &site.ansible().join("bin/ansible-playbook"), &real.join("ansible-playbook"));
}

fn clock_program(site: &Site, program: &Path, real: &Path) {
    fs::rename(program, real).expect("moved");
    let script = format!(
        "#!/bin/bash\nfrom=$EPOCHREALTIME\nnote() {{ printf '%s %s %s\\n' \"$from\" \"$EPOCHREALTIME\" \"{} $*\" >>'{}'; }}\n\
         trap 'exit 143' TERM\ntrap 'note \"$@\"' EXIT\n'{}' \"$@\"\n",
        program.file_name().unwrap_or_default().display(),
        site.path("times").display(),
        real.display()
    );
    fs::write(program, script).expect("written");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn measure(site: &Site) -> Measured {
    let _ = fs::remove_file(site.path("times"));
    let started = now();
    let run = site.start_patiently(&[]).finish();
    let wall = now() - started;
    assert_eq!(run.exit, 0, "{}", run.said);
    let times = fs::read_to_string(site.path("times")).expect("children");
    let child = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut time = || words.next()?.parse().ok();
        Some(Child { from: time()?, to: time()?, call: words.next()?.to_owned() })
    };
    Measured { wall, children: times.lines().filter_map(child).collect() }
}

/// Median, least and most, in milliseconds.
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let ms = |value: f64| (value * 1000.0).round();
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{} ms (median; {} to {})", ms(values[values.len() / 2]), ms(least), ms(most))
}

fn report(name: &str, runs: &[Measured]) {
    let of = |value: &dyn Fn(&Measured) -> f64| spread(runs.iter().map(value).collect());
    println!("{name}, {} runs, {} programs each", runs.len(), runs[0].children.len());
    println!("  wall                               {}", of(&|run| run.wall));
    println!("  no child runs                      {}", of(&|run| run.alone(|_| true)));
    println!("  none but tunnel and lock           {}", of(&|run| run.alone(|child| !child.is_connection())));
}

fn instant() {
    let mut first = Vec::new();
    let mut second = Vec::new();
    for _ in 0..ROUNDS {
        let site = Site::new();
        clock(&site);
        first.push(measure(&site));
        second.push(measure(&site));
    }
    report("instant stand-ins, first install", &first);
    report("instant stand-ins, nothing to change", &second);
}

fn slow() {
    let site = Site::new();
    clock(&site);
    site.plan(&json!({ "seconds": DEPLOYMENT_S }));
    site.file("delay", &CALL_S.to_string());
    site.file("ansible-playbook.delay", &PLAYBOOK_S.to_string());
    println!("{CALL_S} s a call of az, {DEPLOYMENT_S} s deployment, {PLAYBOOK_S} s playbook");
    for (name, fixed) in [("first install", DEPLOYMENT_S + PLAYBOOK_S), ("nothing to change", PLAYBOOK_S)] {
        let run = measure(&site);
        let calls: Vec<_> = run
            .children
            .iter()
            .filter(|child| child.call.starts_with("az ") && !child.is_connection() && !child.is_look())
            .collect();
        let one_by_one = calls.iter().map(|child| child.to - child.from).sum::<f64>() + fixed;
        println!(
            "  {name}: {:.1} s; the same {} calls one after another: {one_by_one:.1} s; ratio {:.2}",
            run.wall,
            calls.len(),
            run.wall / one_by_one
        );
    }
}

fn main() {
    if std::env::args().any(|arg| arg == "--bench") {
        instant();
        slow();
    }
}

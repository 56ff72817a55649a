//! Tables of cases: run side by side, counted, kept as a snapshot.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::site::{Run, Site};

/// Runs at once; most of their time they wait.
const SIDE_BY_SIDE: usize = 4;

type Verify = dyn Fn(&Site, &Run) + Sync;

/// A site, changed by `arrange`, in which `VERB ARGS` ends with `exit`; `verify` looks at the site then.
pub struct Case {
    pub verb: &'static str,
    pub name: &'static str,
    pub args: &'static [&'static str],
    pub exit: i32,
    pub arrange: Box<dyn Fn(&Site) + Sync>,
    pub verify: Box<Verify>,
}

pub fn case(
    name: &'static str,
    args: &'static [&'static str],
    exit: i32,
    arrange: impl Fn(&Site) + Sync + 'static,
) -> Case {
    Case { verb: "install", name, args, exit, arrange: Box::new(arrange), verify: Box::new(|_, _| ()) }
}

impl Case {
    pub fn verify(self, verify: impl Fn(&Site, &Run) + Sync + 'static) -> Self {
        Self { verify: Box::new(verify), ..self }
    }
}

/// Does `work` for each of `items`, some at once; the results in their order.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((index, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|index| Some((index, items.get(index)?)))
                {
                    let result = work(item);
                    done.lock().expect("no case failed").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no case failed");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Runs a table of one verb; the snapshot `name` holds what a user sees.
pub fn run(name: &str, cases: &[Case]) {
    println!("{} cases", cases.len());
    let verb = cases.first().expect("a case").verb;
    let texts = side_by_side(cases, |case| {
        let site = Site::new();
        (case.arrange)(&site);
        let run = site.run(&[&[case.verb], case.args].concat());
        assert_eq!(run.exit, case.exit, "{}:\n{}", case.name, run.said);
        (case.verify)(&site, &run);
        shown(case.name, &run)
    });
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(format!("{verb}__{name}"), texts.concat());
    });
}

/// Exit code, phase and codes of the document, and standard error.
pub fn shown(name: &str, run: &Run) -> String {
    let codes: Vec<&str> = run.document["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["code"].as_str())
        .collect();
    let phase = run.document["phase"].as_str().unwrap_or("none");
    format!("## {name}: exit {}, phase {phase}, errors {codes:?}\n{}\n", run.exit, run.said)
}

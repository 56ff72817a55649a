//! What verify found: a verdict a probe, and one for all.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure, Problem};
use crate::process::ProcessError;
use crate::remote::Trouble;
use crate::ui::Answer;

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It could not be told; never taken for good.
    Unknown,
    /// It does not work.
    Failed,
}

/// What a failed probe says about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "nodes", rename_all = "lowercase")]
pub enum Fault {
    /// The installation.
    Installation,
    /// The test itself did not run: no node is accused.
    Test,
    /// These nodes.
    Node(Vec<String>),
}

/// What one probe found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The probe.
    pub id: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What a good installation shows.
    pub expected: String,
    /// What to do next, when it is not ok.
    pub remedy: Option<String>,
    /// What is at fault, when it failed.
    pub fault: Option<Fault>,
}

/// A probe: its id and what it expects, from which its findings are made.
#[derive(Debug, Clone)]
pub struct Probe {
    id: &'static str,
    expected: String,
}

impl Probe {
    /// The probe `id`, with what a good installation shows.
    pub fn new(id: &'static str, expected: impl Into<String>) -> Self {
        Self { id, expected: expected.into() }
    }

    /// It works.
    pub fn ok(&self, found: impl Into<String>) -> Finding {
        self.finding(Verdict::Ok, found.into(), None, None)
    }

    /// It could not be told.
    pub fn unknown(&self, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.finding(Verdict::Unknown, found.into(), Some(remedy.into()), None)
    }

    /// It does not work.
    pub fn failed(&self, fault: Fault, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.finding(Verdict::Failed, found.into(), Some(remedy.into()), Some(fault))
    }

    /// Nothing was tried, for the reason that another probe shows.
    pub fn skipped(&self, why: &str) -> Finding {
        self.unknown(format!("not tried: {why}"), "see what failed above")
    }

    /// The finding, or that there was no answer to find it in: then the installation failed.
    ///
    /// # Errors
    /// When interrupted.
    pub fn conclude(&self, asked: Result<Finding, Trouble>, remedy: &str) -> Result<Finding, ProcessError> {
        match asked {
            Ok(finding) => Ok(finding),
            Err(Trouble::Interrupted) => Err(ProcessError::Interrupted),
            Err(trouble) => Ok(self.failed(Fault::Installation, trouble.to_string(), remedy)),
        }
    }

    fn finding(
        &self,
        verdict: Verdict,
        found: String,
        remedy: Option<String>,
        fault: Option<Fault>,
    ) -> Finding {
        Finding { id: self.id, verdict, found, expected: self.expected.clone(), remedy, fault }
    }
}

/// What all probes found, in the order in which they ran.
#[derive(Debug, Clone, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The worst of all verdicts.
    pub fn verdict(&self) -> Verdict {
        let has = |verdict| self.count(verdict) > 0;
        [Verdict::Failed, Verdict::Unknown].into_iter().find(|verdict| has(*verdict)).unwrap_or(Verdict::Ok)
    }

    /// How many probes ended how, as in `7 ok, 2 unknown`.
    pub fn counts(&self) -> String {
        let all = [Verdict::Ok, Verdict::Unknown, Verdict::Failed];
        let counts = all.map(|verdict| (self.count(verdict), word(verdict)));
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The failed findings, with exit code 4.
    pub fn failure(&self) -> Option<Failure> {
        let failed = self.findings.iter().filter(|finding| finding.verdict == Verdict::Failed);
        let problems: Vec<Problem> = failed.map(problem).collect();
        (!problems.is_empty()).then(|| Failure::many(Exit::Check, problems))
    }

    /// For people and for programs.
    pub fn answer(&self) -> Answer {
        Answer { text: self.table(), result: self.json() }
    }

    /// One line a finding; where it is not ok, with what was expected and what to do next.
    fn table(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.id.len()).max().unwrap_or_default();
        let mut text = String::new();
        for Finding { id, verdict, found, expected, remedy, .. } in &self.findings {
            let _ = writeln!(text, "{:<7}  {id:<width$}  {found}", word(*verdict));
            if let Some(remedy) = remedy {
                let _ = writeln!(text, "         expected: {expected}\n         next: {remedy}");
            }
        }
        text + &self.counts() + "\n"
    }

    fn json(&self) -> Value {
        json!({ "verdict": self.verdict(), "checks": self.findings })
    }
}

fn problem(finding: &Finding) -> Problem {
    let (code, nodes) = match &finding.fault {
        Some(Fault::Test) => ("TestFailed", None),
        Some(Fault::Node(nodes)) => ("NodeFailed", Some(nodes.join(", "))),
        Some(Fault::Installation) | None => ("VerifyFailed", None),
    };
    let problem = Problem::new(code, format!("{}: {}", finding.id, finding.found));
    Problem { resource: nodes, remedy: finding.remedy.clone(), ..problem }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Unknown => "unknown",
        Verdict::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_counts_and_only_failures_have_an_exit_code() {
        let probe = Probe::new("job", "it runs");
        let mut report = Report::default();
        assert_eq!(report.verdict(), Verdict::Ok);
        report.add(probe.ok("it ran"));
        report.add(probe.unknown("no node runs", "start one"));
        assert_eq!((report.verdict(), report.failure().is_none()), (Verdict::Unknown, true));
        report.add(probe.failed(Fault::Node(vec!["n1".into()]), "slow", "replace it"));
        let failure = report.failure().unwrap();
        assert_eq!((report.verdict(), failure.exit), (Verdict::Failed, Exit::Check));
        assert_eq!(failure.problems.len(), 1);
        assert_eq!(failure.problems[0].resource.as_deref(), Some("n1"));
        let fault = &report.answer().result["checks"][2]["fault"];
        assert_eq!(*fault, json!({ "kind": "node", "nodes": ["n1"] }));
    }
}

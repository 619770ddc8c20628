//! Files cut off, with a bit turned over, with extreme values: never a panic, a hang, or wrong pixels that could be known.
//!
//! A seeded sample runs with the other tests. `scripts/mutate` runs all cases of every fixture through the library, one
//! process each, and a thousand through the program.

mod cases;
mod fixtures;
mod library;
mod program;
mod xml;

use std::{
    env, fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use cases::Case;
use fixtures::Fixture;
use library::{Outcome, Subject};

/// Cases of each fixture among the other tests, through the library and through the program.
const SAMPLED: usize = 45;
const SAMPLED_CALLS: usize = 2;
/// The sample ends after this time; a slow machine sees less of it.
const SAMPLE_WITHIN: Duration = Duration::from_secs(30);
/// A case may wait for a writer that is not there; so more of them run at a time than there are cores.
const THREADS: usize = 6;

/// What was found in one fixture.
#[derive(Default)]
struct Figures {
    counts: [usize; 4],
    slowest: Duration,
    slowest_case: String,
    findings: Vec<String>,
}

impl Figures {
    fn add(&mut self, case: &Case, found: Result<(Outcome, Duration), String>) {
        match found {
            Ok((outcome, took)) => {
                self.counts[outcome as usize] += 1;
                self.note_time(took, || format!("{case:?}"));
            }
            Err(finding) => self.findings.push(format!("{case:?}: {finding}")),
        }
    }

    fn merge(&mut self, other: Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum += count;
        }
        self.note_time(other.slowest, || other.slowest_case);
        self.findings.extend(other.findings);
    }

    fn note_time(&mut self, took: Duration, case: impl FnOnce() -> String) {
        if took > self.slowest {
            (self.slowest, self.slowest_case) = (took, case());
        }
    }

    /// A row of the table in `docs/reliability.md`.
    fn row(&self, name: &str, num_cases: usize) -> String {
        let [same, absent, told, other] = self.counts;
        let slowest = self.slowest.as_millis();
        let mib = peak_kib("self") >> 10;
        format!(
            "| `{name}` | {num_cases} | {same} | {told} | {absent} | {other} | {slowest} ms | {mib} MiB |"
        )
    }
}

#[expect(clippy::print_stdout, reason = "figures, for scripts/mutate")]
fn say(line: &str) {
    println!("{line}");
}

/// The most memory that a process (a number, or `self`) has had so far; 0 where the system does not tell.
fn peak_kib(process: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Work that takes numbers from a counter, on several threads.
fn on_threads(work: impl Fn(&AtomicUsize) -> Figures + Sync) -> Figures {
    let next = AtomicUsize::new(0);
    let mut figures = Figures::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| work(&next))).collect();
        for worker in workers {
            figures.merge(worker.join().unwrap());
        }
    });
    figures
}

/// What the program answers, within 5 s and 512 MiB.
pub(crate) fn bounded_answer(arguments: &[&str]) -> serde_json::Value {
    program::call(arguments).unwrap().1
}

/// Every case of a fixture, on several threads with a copy each.
fn all_cases(name: &str) {
    let fixture = Fixture::new(name);
    let cases = cases::cases_of(fixture.path());
    let figures = on_threads(|next| {
        let (mut subject, mut figures) = (Subject::new(&fixture), Figures::default());
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = subject.run(case);
            figures.add(case, found);
        }
        assert!(subject.is_as_it_was(), "{name}: something was written");
        figures
    });
    say(&figures.row(name, cases.len()));
    say(&format!("slowest: {}", figures.slowest_case));
    assert!(
        figures.findings.is_empty(),
        "{name}: {:#?}",
        figures.findings
    );
}

/// Cases of all fixtures in turn, through the program.
fn many_calls(num_calls: usize, within: Duration) {
    let begin = Instant::now();
    let (mut findings, mut num_errors, mut num_cases) = (Vec::new(), 0, 0);
    let (mut slowest, mut peak_kib) = (Duration::ZERO, 0);
    let names = fixtures::names();
    let each = num_calls.div_ceil(names.len());
    for name in &names {
        let fixture = Fixture::new(name);
        let subject = Subject::new(&fixture);
        let cases = cases::cases_of(fixture.path());
        let sample = cases::sample(&cases, &format!("calls of {name}"), each);
        for case in sample.iter().take(num_calls - num_cases) {
            if begin.elapsed() > within {
                break;
            }
            num_cases += 1;
            match program::run(&subject, name, case) {
                Ok(costs) => {
                    for cost in costs {
                        num_errors += usize::from(cost.is_error);
                        slowest = slowest.max(cost.took);
                        peak_kib = peak_kib.max(cost.peak_kib);
                    }
                }
                Err(finding) => findings.push(format!("{name}: {case:?}: {finding}")),
            }
        }
    }
    say(&format!(
        "{num_cases} cases, {} calls: {num_errors} clean errors, slowest {} ms, at most {} MiB",
        2 * num_cases,
        slowest.as_millis(),
        peak_kib >> 10
    ));
    assert!(num_cases > 0 && findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_sample_of_changed_files_is_shown_or_refused_and_never_taken_for_good() {
    let begin = Instant::now();
    let names = fixtures::names();
    let figures = on_threads(|next| {
        let mut figures = Figures::default();
        while begin.elapsed() < SAMPLE_WITHIN
            && let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let fixture = Fixture::new(name);
            let mut subject = Subject::new(&fixture);
            let cases = cases::cases_of(fixture.path());
            for case in cases::sample(&cases, name, SAMPLED) {
                let found = subject.run(&case);
                figures.add(&case, found);
            }
            assert!(subject.is_as_it_was(), "{name}: something was written");
        }
        figures
    });
    assert!(figures.findings.is_empty(), "{:#?}", figures.findings);
    let [same, _, told, other] = figures.counts;
    assert!(same > 0 && told > 0 && other > 0, "{:?}", figures.counts);
}

#[test]
fn the_program_answers_for_a_sample_of_changed_files_within_time_and_memory() {
    many_calls(SAMPLED_CALLS * fixtures::names().len(), SAMPLE_WITHIN);
}

#[test]
#[ignore = "minutes for each fixture: scripts/mutate"]
fn every_changed_file_of_a_fixture_through_the_library() {
    let name = env::var("SQUIDVIEW_MUTATE").expect("scripts/mutate names the fixture");
    all_cases(&name);
}

#[test]
#[ignore = "minutes: scripts/mutate"]
fn a_thousand_changed_files_through_the_program() {
    many_calls(1000, Duration::from_hours(1));
}

#[test]
#[ignore = "for scripts/mutate"]
fn names_of_fixtures() {
    for name in fixtures::names() {
        say(&format!("fixture {name}"));
    }
}

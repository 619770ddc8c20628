//! Counts the stages from disk to screen, from their spans: what runs now, and what ran within the last seconds.
//!
//! A layer of `tracing_subscriber` beside the one that logs, so that stages are counted whatever the log says. Works from
//! any thread; one lock protects a few numbers, and what is kept does not grow with time.

use std::{
    sync::Arc,
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tracing::{Subscriber, span::Id};
use tracing_subscriber::{Layer, filter::filter_fn, layer::Context, registry::LookupSpan};

use crate::model::{STAGE_TARGET, StageFigures, WorkStage};

/// Seconds that rates are taken over; the last one is the present second.
const WINDOW_SECS: u64 = 5;
/// Stages that may run at the same time; further ones are not counted.
const MAX_RUNNING: usize = 512;

/// What the stages do now and did lately. Clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct StageMeter {
    state: Arc<Mutex<State>>,
}

impl StageMeter {
    /// The layer that counts; to be added to the subscriber of the program.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let counting = Counting {
            meter: self.clone(),
        };
        counting.with_filter(filter_fn(|metadata| metadata.target() == STAGE_TARGET))
    }

    /// What each stage does now and did within the last seconds, in the order from disk to screen.
    #[must_use]
    pub fn figures(&self) -> Vec<StageFigures> {
        self.state.lock().figures(Instant::now())
    }
}

/// Hears of stages that begin and end.
struct Counting {
    meter: StageMeter,
}

impl<S> Layer<S> for Counting
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let stage = ctx.metadata(id).map(tracing::Metadata::name);
        if let Some(stage) = stage.and_then(WorkStage::from_name) {
            let (thread, now) = (thread::current().id(), Instant::now());
            let running = Running::new(stage, id.into_u64(), thread, now);
            self.meter.state.lock().begin(running);
        }
    }

    fn on_exit(&self, id: &Id, _ctx: Context<'_, S>) {
        let now = Instant::now();
        self.meter.state.lock().end(id.into_u64(), now);
    }
}

/// A stage that some thread is in.
#[derive(Debug)]
struct Running {
    stage: WorkStage,
    span: u64,
    thread: ThreadId,
    since: Instant,
    /// Time in stages that were entered within this one.
    away: Duration,
    /// Own time of the same stage, entered again further in.
    further_in: Duration,
}

impl Running {
    fn new(stage: WorkStage, span: u64, thread: ThreadId, since: Instant) -> Self {
        Self {
            stage,
            span,
            thread,
            since,
            away: Duration::ZERO,
            further_in: Duration::ZERO,
        }
    }
}

/// What a stage did.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    last: Option<Duration>,
    /// By second since the start, modulo their number.
    seconds: [Second; WINDOW_SECS as usize],
}

/// What a stage did in one second: that in which it ended counts.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Since the start.
    number: u64,
    count: u32,
    time: Duration,
}

#[derive(Debug)]
struct State {
    start: Instant,
    /// In the order in which they were entered; few, so that they are searched from the end.
    running: Vec<Running>,
    done: [Done; WorkStage::ALL.len()],
}

impl Default for State {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            running: Vec::new(),
            done: [Done::default(); WorkStage::ALL.len()],
        }
    }
}

impl State {
    fn begin(&mut self, running: Running) {
        if self.running.len() < MAX_RUNNING {
            self.running.push(running);
        }
    }

    /// A stage ended; one that was not counted is not known.
    fn end(&mut self, span: u64, now: Instant) {
        let Some(at) = self.running.iter().rposition(|it| it.span == span) else {
            return;
        };
        let ended = self.running.remove(at);
        let elapsed = now.saturating_duration_since(ended.since);
        let own = elapsed.saturating_sub(ended.away) + ended.further_in;
        let around = self.running[..at].iter_mut().rev();
        let mut around = around.filter(|it| it.thread == ended.thread);
        let Some(next) = around.next() else {
            return self.note(ended.stage, own, now);
        };
        next.away += elapsed;
        let is_same = |it: &&mut Running| it.stage == ended.stage;
        match Some(next).filter(is_same).or_else(|| around.find(is_same)) {
            // A part of something that is told of as a whole.
            Some(whole) => whole.further_in += own,
            None => self.note(ended.stage, own, now),
        }
    }

    fn note(&mut self, stage: WorkStage, time: Duration, now: Instant) {
        let number = self.second_of(now);
        let done = &mut self.done[stage as usize];
        done.last = Some(time);
        let second = &mut done.seconds[(number % WINDOW_SECS) as usize];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        second.count = second.count.saturating_add(1);
        second.time += time;
    }

    fn second_of(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }

    fn figures(&self, now: Instant) -> Vec<StageFigures> {
        let mut figures = WorkStage::ALL.map(StageFigures::idle);
        for at_work in self.at_work() {
            let figures = &mut figures[at_work.stage as usize];
            let time = now.saturating_duration_since(at_work.since);
            figures.num_running += 1;
            figures.longest = figures.longest.max(Some(time));
        }
        let age = now.saturating_duration_since(self.start).as_secs_f32();
        let second = self.second_of(now);
        // The present second has not passed yet.
        let begin = (second + 1).saturating_sub(WINDOW_SECS);
        let covered = (age - begin as f32).max(1.0);
        for (figures, done) in figures.iter_mut().zip(&self.done) {
            let lately = done.seconds.iter().filter(|it| it.number >= begin);
            let (count, time) = lately.fold((0, Duration::ZERO), |(count, time), it| {
                (count + it.count, time + it.time)
            });
            figures.last = done.last;
            figures.per_sec = count as f32 / covered;
            figures.busy = time.as_secs_f32() / covered;
        }
        figures.into()
    }

    /// The innermost stage of each thread.
    fn at_work(&self) -> Vec<&Running> {
        let mut innermost: Vec<&Running> = Vec::new();
        for running in self.running.iter().rev() {
            if innermost.iter().all(|it| it.thread != running.thread) {
                innermost.push(running);
            }
        }
        innermost
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Stages of this thread, entered and left at given times.
    struct Script {
        state: State,
        num_spans: u64,
    }

    impl Script {
        fn new() -> Self {
            Self {
                state: State::default(),
                num_spans: 0,
            }
        }

        fn at(&self, ms: u32) -> Instant {
            self.state.start + MS * ms
        }

        fn begin(&mut self, stage: WorkStage, ms: u32) -> u64 {
            self.num_spans += 1;
            let thread = thread::current().id();
            let running = Running::new(stage, self.num_spans, thread, self.at(ms));
            self.state.begin(running);
            self.num_spans
        }

        fn end(&mut self, span: u64, ms: u32) {
            let now = self.at(ms);
            self.state.end(span, now);
        }

        fn figures(&self, stage: WorkStage, ms: u32) -> StageFigures {
            self.state.figures(self.at(ms))[stage as usize]
        }
    }

    #[test]
    fn what_runs_is_told_with_the_time_of_the_one_that_runs_longest() {
        let mut script = Script::new();
        let first = script.begin(WorkStage::Read, 0);
        let on_another_thread = thread::scope(|scope| {
            let other = thread::Builder::new().name("other".into());
            let began = other.spawn_scoped(scope, || script.begin(WorkStage::Read, 400));
            began.expect("starts").join().expect("does not panic")
        });
        let figures = script.figures(WorkStage::Read, 1000);
        assert_eq!((figures.num_running, figures.last), (2, None));
        assert_eq!(figures.longest, Some(MS * 1000));
        script.end(first, 1000);
        let figures = script.figures(WorkStage::Read, 1100);
        assert_eq!((figures.num_running, figures.last), (1, Some(MS * 1000)));
        assert_eq!(figures.longest, Some(MS * 700));
        script.end(on_another_thread, 1100);
        assert_eq!(script.figures(WorkStage::Read, 1100).num_running, 0);
    }

    #[test]
    fn a_stage_within_another_one_has_its_time_to_itself() {
        let mut script = Script::new();
        let outer = script.begin(WorkStage::Read, 0);
        let decoding = script.begin(WorkStage::Decompress, 10);
        let part = script.begin(WorkStage::Read, 15);
        let running = |script: &Script, stage| script.figures(stage, 16).num_running;
        assert_eq!(running(&script, WorkStage::Decompress), 0);
        assert_eq!(running(&script, WorkStage::Read), 1);
        script.end(part, 18);
        assert_eq!(script.figures(WorkStage::Read, 18).last, None, "a part");
        script.end(decoding, 30);
        let decoded = script.figures(WorkStage::Decompress, 30);
        assert_eq!(decoded.last, Some(MS * 17));
        script.end(outer, 31);
        let read = script.figures(WorkStage::Read, 31);
        // 10 before, 3 further in, 1 after.
        assert_eq!(read.last, Some(MS * 14));
        assert!((read.per_sec - 1.0).abs() < 1e-6, "one read: {read:?}");
    }

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let mut script = Script::new();
        for n in 0..100 {
            let span = script.begin(WorkStage::Upload, n * 100);
            script.end(span, n * 100 + 50);
        }
        let figures = script.figures(WorkStage::Upload, 10_000);
        // Of 6 s to 10 s, 40 uploads.
        assert!((figures.per_sec - 10.0).abs() < 1e-3, "{figures:?}");
        assert!((figures.busy - 0.5).abs() < 1e-3, "{figures:?}");
        let later = script.figures(WorkStage::Upload, 20_000);
        assert_eq!((later.per_sec, later.busy), (0.0, 0.0));
        assert_eq!(later.last, Some(MS * 50), "the last one stays");
    }

    #[test]
    fn what_is_kept_is_bounded_and_an_end_without_a_beginning_is_none() {
        let mut script = Script::new();
        script.end(77, 5);
        let spans: Vec<u64> = (0..2 * MAX_RUNNING)
            .map(|_| script.begin(WorkStage::Open, 1))
            .collect();
        assert_eq!(script.state.running.len(), MAX_RUNNING);
        for span in spans.into_iter().rev() {
            script.end(span, 2);
        }
        assert_eq!(script.state.running.len(), 0);
    }

    #[test]
    fn spans_are_counted_beside_a_log_that_leaves_them_out() {
        let meter = StageMeter::default();
        let quiet = tracing_subscriber::fmt::layer()
            .with_writer(std::io::sink)
            .with_filter(tracing_subscriber::filter::LevelFilter::WARN);
        let subscriber = tracing_subscriber::registry()
            .with(quiet)
            .with(meter.layer());
        let of = |stage: WorkStage| meter.figures()[stage as usize];
        tracing::subscriber::with_default(subscriber, || {
            let listing = WorkStage::List.enter();
            assert_eq!(of(WorkStage::List).num_running, 1);
            drop(WorkStage::Draw.enter());
            // Not ours, and none of the stages.
            drop(tracing::trace_span!("read").entered());
            drop(listing);
        });
        assert_eq!(of(WorkStage::List).num_running, 0);
        assert!(of(WorkStage::List).last.is_some());
        assert!(of(WorkStage::Draw).per_sec > 0.0);
        assert_eq!(of(WorkStage::Read).last, None);
    }
}

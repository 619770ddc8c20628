//! Threads that read and decode the parts of one thing together, and do without those that a disk never answers.
//!
//! rayon's own pool has as many threads as there are cores, and for good. Two chunks on a mount that went away would
//! occupy all of them, and nothing else could be read any more, from whatever disk. So a crew that does not answer is
//! left to itself, and another one takes its place.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::model::while_waiting;

/// A crew of which no thread answers within this time is stuck, or as busy as if it were.
const ANSWERS_WITHIN: Duration = Duration::from_millis(250);
/// Crews at a time, stuck ones included; each has a thread per core.
const MAX_CREWS: usize = 8;

/// Threads and how many callers they work for.
struct Crew {
    pool: ThreadPool,
    num_callers: AtomicUsize,
}

/// The crew that is asked next, and all that still work.
struct Crews {
    current: Option<Arc<Crew>>,
    all: Vec<Weak<Crew>>,
}

static CREWS: Mutex<Crews> = Mutex::new(Crews {
    current: None,
    all: Vec::new(),
});

/// Runs `work`, whose parallel parts may wait for a disk, on threads that are kept for that. Blocks until it is done.
///
/// Inside of a rayon pool it stays there. The calling thread counts as waiting meanwhile: threads that decode for it say so
/// ([`crate::model::Activity::work`]).
pub fn in_parallel<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if rayon::current_thread_index().is_some() {
        return work();
    }
    // Without threads of their own the parts run on rayon's.
    let Some(crew) = crew() else {
        return work();
    };
    let _caller = Caller::of(&crew);
    while_waiting(|| crew.pool.install(work))
}

/// A crew that answers, or the last that there may be.
fn crew() -> Option<Arc<Crew>> {
    let current = CREWS.lock().current.clone();
    match current {
        Some(crew) if crew.answers() => Some(crew),
        stuck => replace(stuck),
    }
}

/// Puts another crew in the place of one that is stuck, unless somebody just did, or there are too many.
fn replace(stuck: Option<Arc<Crew>>) -> Option<Arc<Crew>> {
    let mut crews = CREWS.lock();
    let is_stuck = |crew: &Arc<Crew>| stuck.as_ref().is_some_and(|stuck| Arc::ptr_eq(stuck, crew));
    if let Some(other) = crews.current.as_ref().filter(|crew| !is_stuck(crew)) {
        return Some(Arc::clone(other));
    }
    crews.all.retain(|crew| crew.strong_count() > 0);
    if crews.all.len() >= MAX_CREWS {
        return stuck;
    }
    let number = crews.all.len();
    let pool = ThreadPoolBuilder::new()
        .thread_name(move |thread| format!("squidview-crew-{number}-{thread}"))
        .build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            tracing::error!("cannot start threads to read with: {error}");
            return stuck;
        }
    };
    if stuck.is_some() {
        tracing::debug!("threads that read do not answer, others take over");
    }
    let crew = Arc::new(Crew {
        pool,
        num_callers: AtomicUsize::new(0),
    });
    crews.all.push(Arc::downgrade(&crew));
    crews.current = Some(Arc::clone(&crew));
    Some(crew)
}

impl Crew {
    /// True where one of its threads has nothing better to do; only asked while somebody else occupies it.
    fn answers(&self) -> bool {
        if self.num_callers.load(Ordering::SeqCst) == 0 {
            return true;
        }
        let (answer, answers) = bounded(1);
        self.pool.spawn(move || {
            if answer.try_send(()).is_err() {
                tracing::trace!("nobody waits for the answer any more");
            }
        });
        answers.recv_timeout(ANSWERS_WITHIN).is_ok()
    }
}

/// Somebody whom a crew works for, also where the work panics.
struct Caller<'a>(&'a Crew);

impl<'a> Caller<'a> {
    fn of(crew: &'a Crew) -> Self {
        crew.num_callers.fetch_add(1, Ordering::SeqCst);
        Self(crew)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.num_callers.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn parts_that_a_disk_never_answers_occupy_no_thread_of_others() {
        let (let_go, held) = bounded::<()>(0);
        let (begun, begins) = bounded(256);
        let num_threads = rayon::current_num_threads();
        let wait = move || {
            in_parallel(|| {
                (0..4 * num_threads).into_par_iter().for_each(|_| {
                    begun.send(()).expect("the test waits");
                    assert!(held.recv().is_err());
                });
            });
        };
        let stuck = thread::Builder::new().name("stuck".into()).spawn(wait);
        let stuck = stuck.expect("a thread");
        for _ in 0..num_threads {
            begins.recv().expect("each thread begins");
        }
        let sum: usize = in_parallel(|| (0..1000_usize).into_par_iter().sum());
        assert_eq!(sum, 499_500);
        assert!(!stuck.is_finished());
        drop(let_go);
        stuck.join().expect("they go on when the disk answers");
        let panicked = std::panic::catch_unwind(|| {
            in_parallel(|| {
                let parts = (0..8).into_par_iter();
                parts.for_each(|at| assert!(at < 4, "scripted"));
            });
        });
        assert!(panicked.is_err());
        assert_eq!(in_parallel(|| 7), 7);
    }
}

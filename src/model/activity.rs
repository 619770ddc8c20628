//! Whether a job waits for the system or works, so that one that computes for long is not taken for a silent disk.
//!
//! A thread that does a job enters its [`Activity`]; `source` tells of each call into the system on that thread, and whoever
//! lets other threads decode for the job says so with [`Activity::work`]. Telling costs some tens of nanoseconds.

use std::{
    cell::RefCell,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicIsize, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_ms() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What the threads of a job do.
#[derive(Debug)]
pub struct Activity {
    /// Threads that work for it; where there are none, it waits for the system.
    num_working: AtomicIsize,
    /// When that changed last, or something came of it.
    changed_ms: AtomicU64,
    /// The job whose result it waits for, if any.
    behind: Mutex<Option<Arc<Self>>>,
}

thread_local! {
    static OF_THREAD: RefCell<Option<Arc<Activity>>> = const { RefCell::new(None) };
}

impl Activity {
    /// That of a job that begins to work.
    #[must_use]
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            num_working: AtomicIsize::new(1),
            changed_ms: AtomicU64::new(now_ms()),
            behind: Mutex::new(None),
        })
    }

    /// That of the job which this thread does.
    #[must_use]
    pub fn of_thread() -> Option<Arc<Self>> {
        OF_THREAD.with_borrow(Clone::clone)
    }

    /// This thread does the job, until what comes back is dropped.
    #[must_use = "the job is left when this is dropped"]
    pub fn enter(self: &Arc<Self>) -> Entered {
        Entered(OF_THREAD.replace(Some(Arc::clone(self))))
    }

    /// Some thread works for the job, until what comes back is dropped.
    #[must_use = "the work ends when this is dropped"]
    pub fn work(&self) -> Counted<&Self> {
        self.change(1);
        Counted(self, -1)
    }

    /// It waits for what another job makes, or not any more: then it does what that one does.
    pub fn is_behind(&self, other: Option<Arc<Self>>) {
        *self.behind.lock() = other;
    }

    /// Something came of it.
    pub fn goes_on(&self) {
        self.changed_ms.store(now_ms(), Ordering::Relaxed);
    }

    /// How long it has waited for the system; `None` while somebody works for it.
    #[must_use]
    pub fn waits_for(&self) -> Option<Duration> {
        let behind = self.behind.lock().clone();
        // A job that others are behind waits for none itself.
        behind.map_or_else(|| self.waits_alone(), |other| other.waits_alone())
    }

    fn waits_alone(&self) -> Option<Duration> {
        let changed = self.changed_ms.load(Ordering::SeqCst);
        let is_waiting = self.num_working.load(Ordering::SeqCst) <= 0;
        is_waiting.then(|| Duration::from_millis(now_ms().saturating_sub(changed)))
    }

    fn change(&self, by: isize) {
        // The time first: who sees that nobody works any more sees since when.
        self.changed_ms.store(now_ms(), Ordering::SeqCst);
        self.num_working.fetch_add(by, Ordering::SeqCst);
    }
}

/// Does something that waits for the system, or for threads that do.
pub fn while_waiting<R>(wait: impl FnOnce() -> R) -> R {
    let activity = Activity::of_thread();
    let _waiting = activity.map(|activity| {
        activity.change(-1);
        Counted(activity, 1)
    });
    wait()
}

/// Undoes what was counted, also where the thread panics.
#[derive(Debug)]
pub struct Counted<A: AsRef<Activity>>(A, isize);

impl<A: AsRef<Activity>> Drop for Counted<A> {
    fn drop(&mut self) {
        self.0.as_ref().change(self.1);
    }
}

impl AsRef<Self> for Activity {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A thread that does a job, and what it did before.
#[derive(Debug)]
pub struct Entered(Option<Arc<Activity>>);

impl Drop for Entered {
    fn drop(&mut self) {
        OF_THREAD.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn a_job_waits_while_none_of_its_threads_works() {
        let activity = Activity::begin();
        let waits = || activity.waits_for().is_some();
        // Without a job nothing is told.
        while_waiting(|| assert!(!waits()));
        let entered = activity.enter();
        assert!(!waits());
        while_waiting(|| {
            assert!(waits());
            thread::scope(|scope| {
                let (begun, begins) = bounded(1);
                let (end, ends) = bounded::<()>(1);
                let activity = &activity;
                scope.spawn(move || {
                    let _working = activity.work();
                    begun.send(()).expect("the test waits");
                    assert!(ends.recv().is_err());
                });
                begins.recv().expect("it begins");
                assert!(!waits());
                drop(end);
            });
            assert!(waits());
        });
        assert!(!waits());
        let other = Activity::begin();
        activity.is_behind(Some(Arc::clone(&other)));
        assert!(!waits());
        other.change(-1);
        assert!(waits());
        activity.is_behind(None);
        assert!(!waits());
        let panicked = std::panic::catch_unwind(|| while_waiting(|| panic!("scripted")));
        assert!(panicked.is_err() && !waits());
        drop(entered);
        assert!(Activity::of_thread().is_none());
    }

    #[test]
    fn what_goes_on_has_not_waited_for_long() {
        let activity = Activity::begin();
        let _entered = activity.enter();
        while_waiting(|| {
            thread::sleep(Duration::from_millis(30));
            assert!(activity.waits_for() >= Some(Duration::from_millis(20)));
            activity.goes_on();
            assert!(activity.waits_for() < Some(Duration::from_millis(20)));
        });
    }
}

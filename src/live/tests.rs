//! The hub with scripted callers and an audience that counts.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{hub::QUIET_PERIOD, *};
use crate::dataset::{AnnouncedSizes, PlaneAt};

/// Counts wakes; begins reading what it is told to.
#[derive(Default)]
struct Ear {
    num_wakes: AtomicUsize,
    anticipated: Mutex<Vec<PlaneAt>>,
}

impl Audience for Ear {
    fn wake(&self) {
        self.num_wakes.fetch_add(1, Ordering::SeqCst);
    }

    fn anticipate(&self, _id: AcquisitionId, at: PlaneAt) -> bool {
        self.anticipated.lock().push(at);
        true
    }
}

struct Bench {
    live: Live,
    ear: Arc<Ear>,
}

impl Bench {
    fn new() -> Self {
        let ear = Arc::new(Ear::default());
        let live = Live::start(Arc::clone(&ear) as Arc<dyn Audience>).unwrap();
        Self { live, ear }
    }

    fn num_wakes(&self) -> usize {
        self.ear.num_wakes.load(Ordering::SeqCst)
    }

    /// Waits for one more wake than there were.
    fn until_woken(&self, before: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.num_wakes() == before {
            assert!(Instant::now() < deadline, "nobody is woken");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Everything that was sent so far, merged.
    fn settled(&self, handle: &PushHandle) -> News {
        let fence = handle.fence().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut all = News::default();
        while all.fence < fence {
            assert!(Instant::now() < deadline, "the live thread is stuck");
            let news = self.live.take();
            all.events.extend(news.events);
            for (at, times) in news.written {
                *all.written.entry(at).or_default() += times;
            }
            all.rescan.extend(news.rescan);
            (all.num_late, all.fence) = (news.num_late, news.fence);
            all.acquisition = news.acquisition;
        }
        all
    }
}

fn start(handle: &PushHandle, num_fovs: usize) -> AcquisitionId {
    let sizes = AnnouncedSizes {
        channels: vec!["DAPI".into(), "GFP".into()],
        num_z: 100,
        height: 48,
        width: 64,
    };
    let paths: Vec<PathBuf> = (0..num_fovs)
        .map(|fov| format!("/a/{fov}").into())
        .collect();
    let labels = (0..num_fovs).map(|fov| format!("A1:{fov}")).collect();
    handle.start_zarr_acquisition(paths, sizes, labels).unwrap()
}

fn at(fov: u32, t: u32, z: u32) -> PlaneAt {
    PlaneAt { fov, t, c: 1, z }
}

#[test]
fn notices_of_one_plane_are_merged_and_counted() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    let id = start(&handle, 2);
    for _ in 0..3 {
        handle.notify_zarr_frame(0, 1, 7, "GFP", 0).unwrap();
    }
    let news = bench.settled(&handle);
    assert_eq!(news.acquisition, Some(id));
    assert_eq!(news.written, [(at(1, 0, 7), 3)].into());
    let is_start =
        matches!(news.events.front(), Some(LiveEvent::Started(started)) if started.id == id);
    assert!(is_start);
}

#[test]
fn a_million_notices_lose_nothing_and_never_block() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    start(&handle, 8);
    bench.settled(&handle);
    std::thread::scope(|scope| {
        for fov in 0..8_i64 {
            let handle = handle.clone();
            scope.spawn(move || {
                for n in 0..125_000_i64 {
                    let (t, z) = (n / 100 % 500, n % 100);
                    handle.notify_zarr_frame(t, fov, z, "GFP", 0).unwrap();
                }
            });
        }
    });
    let news = bench.settled(&handle);
    for fov in 0..8 {
        for t in 0..500 {
            for z in 0..100 {
                let is_known =
                    news.written.contains_key(&at(fov, t, z)) || news.rescan.contains(&fov);
                assert!(is_known, "FOV {fov}, t {t}, z {z} was lost");
            }
        }
    }
}

#[test]
fn late_notices_of_an_older_acquisition_are_ignored_and_counted() {
    let bench = Bench::new();
    let (first, second) = (bench.live.handle(), bench.live.handle());
    start(&first, 1);
    let id = start(&second, 1);
    first.notify_zarr_frame(0, 0, 0, "GFP", 0).unwrap();
    second.notify_zarr_frame(0, 0, 1, "GFP", 0).unwrap();
    second.end_zarr_acquisition().unwrap();
    second.notify_zarr_frame(0, 0, 2, "GFP", 0).unwrap();
    let news = bench.settled(&second);
    assert_eq!((news.acquisition, news.num_late), (Some(id), 1));
    let mut planes: Vec<_> = news.written.into_keys().collect();
    planes.sort();
    assert_eq!(planes, [at(0, 0, 1), at(0, 0, 2)]);
    let is_offered = |event: &LiveEvent| matches!(event, LiveEvent::Displaced(_));
    assert_eq!(
        news.events.iter().filter(|event| is_offered(event)).count(),
        1
    );
}

#[test]
fn a_displaced_acquisition_is_shown_again_on_request() {
    let bench = Bench::new();
    let (first, second) = (bench.live.handle(), bench.live.handle());
    let id = start(&first, 1);
    start(&second, 1);
    bench.live.resume(id);
    // The request goes over the same channel as this wish, before it.
    first.refresh().unwrap();
    let mut events = Vec::new();
    while !events
        .iter()
        .any(|event| matches!(event, LiveEvent::Refresh))
    {
        events.extend(bench.live.take().events);
    }
    first.notify_zarr_frame(0, 0, 3, "GFP", 0).unwrap();
    let news = bench.settled(&first);
    assert_eq!(news.acquisition, Some(id));
    assert!(news.written.contains_key(&at(0, 0, 3)));
}

#[test]
fn a_plane_on_the_screen_is_read_before_the_interface_wakes() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    let id = start(&handle, 1);
    bench.settled(&handle);
    bench.live.watch(Watched {
        acquisition: Some(id),
        fov: 0,
        t: 0,
        z: Some(4),
        channels: vec![1],
        follows: false,
    });
    handle.notify_zarr_frame(0, 0, 4, "GFP", 0).unwrap();
    handle.notify_zarr_frame(0, 0, 5, "GFP", 0).unwrap();
    bench.settled(&handle);
    assert_eq!(*bench.ear.anticipated.lock(), [at(0, 0, 4)]);
    assert!(bench.num_wakes() > 0);
}

#[test]
fn news_that_a_frame_took_along_wake_nobody() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    start(&handle, 2);
    bench.settled(&handle);
    let before = bench.num_wakes();
    handle.notify_zarr_frame(0, 1, 0, "GFP", 0).unwrap();
    // Takes them, as a frame does.
    bench.settled(&handle);
    std::thread::sleep(QUIET_PERIOD * 3);
    assert_eq!(bench.num_wakes(), before);
    handle.notify_zarr_frame(0, 1, 1, "GFP", 0).unwrap();
    bench.until_woken(before);
    assert!(!bench.live.take().written.is_empty());
}

#[test]
fn news_wait_for_their_own_time_and_not_for_that_of_news_which_are_taken() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    start(&handle, 2);
    bench.settled(&handle);
    let before = bench.num_wakes();
    handle.notify_zarr_frame(0, 1, 0, "GFP", 0).unwrap();
    // Takes them, as a frame does.
    bench.settled(&handle);
    std::thread::sleep(QUIET_PERIOD / 2);
    let sent = Instant::now();
    handle.notify_zarr_frame(0, 1, 1, "GFP", 0).unwrap();
    bench.until_woken(before);
    assert!(sent.elapsed() >= QUIET_PERIOD);
}

#[test]
fn a_start_that_is_refused_starts_nothing() {
    let bench = Bench::new();
    let handle = bench.live.handle();
    let refused = handle.start_zarr_acquisition(vec![], AnnouncedSizes::default(), vec![]);
    assert!(matches!(refused, Err(PushError::Start(_))));
    assert!(handle.current().is_none());
    let error = handle.notify_zarr_frame(0, 0, 0, "GFP", 0).unwrap_err();
    assert_eq!(error.to_string(), "no acquisition was started");
}

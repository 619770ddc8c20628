//! Figures of this machine, printed by `cargo test --lib -- --ignored --nocapture live::disk::tests::measurements`.

use super::*;

/// Seconds of processor time that the watching threads of this process have used.
fn cpu_secs() -> f64 {
    const TICKS_PER_SEC: f64 = 100.0;
    let mut ticks = 0.0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        let Some((name, fields)) = stat.split_once(')') else {
            continue;
        };
        if name.contains("squidview-disk") || name.contains("notify") {
            let fields: Vec<&str> = fields.split_whitespace().collect();
            ticks += fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        }
    }
    ticks / TICKS_PER_SEC
}

#[test]
#[ignore = "a measurement"]
fn from_file_to_news() {
    for has_hints in [true, false] {
        let plan = Plan {
            num_timepoints: 10,
            num_z: 5,
            ..plan(Structure::PerFov)
        };
        let copied = Copied::new(plan, true);
        copied.write("B2", 0, 0, 0, 0);
        let (woken, news) = bounded::<Instant>(1 << 12);
        let wake = Arc::new(move || {
            let _full = woken.try_send(Instant::now());
        });
        let dataset = Arc::new(open(&copied.to));
        let store = Arc::new(Store::new());
        let watch = DiskWatch::start_with(dataset, store, wake, has_hints).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let (mut millis, cpu, start) = (Vec::new(), cpu_secs(), Instant::now());
        for number in 1..100_u32 {
            let (t, z, c) = (number / 10, number / 2 % 5, number % 2);
            drop(watch.take());
            while news.try_recv().is_ok() {}
            copied.write("B2", 0, t, z, c as u16);
            let written = Instant::now();
            let at = news.recv_timeout(WITHIN).unwrap();
            millis.push(at.saturating_duration_since(written).as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(u64::from(20 + number * 37 % 150)));
        }
        let share = (cpu_secs() - cpu) / start.elapsed().as_secs_f64();
        millis.sort_by(f64::total_cmp);
        eprintln!(
            "hints {has_hints}: median {:.1} ms, 90 % {:.1} ms, most {:.1} ms, {:.1} % of a core",
            millis[49],
            millis[89],
            millis[98],
            share * 100.0
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn a_large_plate() {
    let rows = (0..32_u8).map(|row| match row {
        0..26 => char::from(b'A' + row).to_string(),
        _ => format!("A{}", char::from(b'A' + row - 26)),
    });
    let wells = rows.flat_map(|row| (1..=48).map(move |column| (format!("{row}{column}"), 1)));
    let plan = Plan {
        regions: wells.collect(),
        num_timepoints: 6,
        width: 8,
        height: 8,
        ..plan(Structure::Hcs)
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let num_written = plan.num_planes() / 2 + 1001;
    let writer = Writer::start(plan, out.clone(), Duration::ZERO);
    writer.allow(num_written);
    writer.wait_for(num_written as usize);
    let start = Instant::now();
    let mut viewer = Viewer::new(&out, true);
    let opened = start.elapsed();
    viewer.wait("the newest timepoint", |viewer| {
        viewer.newest.is_some_and(|newest| newest.t == 3)
    });
    let newest = start.elapsed();
    let num = |viewer: &Viewer| {
        let mut told = viewer.told.values();
        told.by_ref()
            .filter(|&state| *state == PlaneState::Written)
            .count() as u64
    };
    viewer.wait("all planes", |viewer| num(viewer) == num_written);
    let all = start.elapsed().saturating_sub(opened);
    eprintln!(
        "opened in {opened:.2?}, newest timepoint after {newest:.2?}, {num_written} planes in {all:.2?}: {:.0} planes/s, {:.2} s of a core",
        num_written as f64 / all.as_secs_f64(),
        cpu_secs()
    );
    for _ in 0..4 {
        let before = cpu_secs();
        std::thread::sleep(Duration::from_secs(10));
        viewer.take();
        eprintln!("paused: {:.2} % of a core", (cpu_secs() - before) * 10.0);
    }
    let Writer {
        allowed, thread, ..
    } = writer;
    drop(allowed);
    assert!(thread.join().unwrap().is_err());
    let start = Instant::now();
    viewer.wait("the end", |viewer| viewer.ended.is_some());
    eprintln!("the end after {:.2?}", start.elapsed());
}

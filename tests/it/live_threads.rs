//! Many threads announce at once while planes are read: what is shown in the end is what one thread would have given.

use std::thread::{self, JoinHandle};

use squidview::{
    live::{PlaneCounts, PushHandle},
    model::NavAxis,
};

use crate::{
    desk::Desk,
    pushed::{Run, announced, counts, go, notify},
    uniform::values,
};

const NUM_THREADS: usize = 8;
/// Starts of each thread.
const NUM_STARTS: usize = 12;

fn spawn(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = thread::Builder::new().name("announcing".into());
    thread.spawn(work).unwrap()
}

/// What the window shows of every plane, and of the whole.
fn state(desk: &mut Desk, handle: &PushHandle, run: &Run) -> (PlaneCounts, u32, Vec<Vec<u16>>) {
    desk.take_sent();
    let mut pictures = Vec::new();
    for (fov, [t, c, z]) in run.planes() {
        if c == 0 {
            go(desk, handle, fov, t, z);
            pictures.push(values(desk.harness.state()));
        }
    }
    let status = desk.status();
    let dataset = status.dataset.as_ref().unwrap();
    assert_eq!(dataset.problems, []);
    (counts(desk), dataset.len_along(NavAxis::Time), pictures)
}

#[test]
fn eight_threads_that_start_notify_and_end_give_what_one_gives() {
    let run = Run::new(4, [2, 2, 2]);
    run.create();
    for (fov, plane) in run.planes() {
        run.write(fov, plane);
    }
    let run = std::sync::Arc::new(run);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let starters = (0..NUM_THREADS).map(|number| {
        let (run, handle) = (std::sync::Arc::clone(&run), handle.other_client());
        spawn(move || {
            for turn in 0..NUM_STARTS {
                run.announce(&handle);
                for &(fov, plane) in run.planes().iter().skip((number + turn) % 5).step_by(5) {
                    notify(&handle, fov, plane);
                }
                handle.end_zarr_acquisition().unwrap();
            }
        })
    });
    let starters: Vec<_> = starters.collect();
    while starters.iter().any(|thread| !thread.is_finished()) {
        desk.harness.step();
        let fov = desk.session().position.fov.0;
        handle
            .load_fov(i64::from((fov + 1) % 4), None, None)
            .unwrap();
    }
    for thread in starters {
        thread.join().unwrap();
    }
    // The one that counts: all threads notify of it, each plane of several, in no order.
    run.announce(&handle);
    let notifiers = (0..NUM_THREADS).map(|number| {
        let (run, handle) = (std::sync::Arc::clone(&run), handle.clone());
        spawn(move || {
            let planes = run.planes();
            for at in 0..planes.len() {
                let (fov, plane) = planes[(at * 5 + number * 3) % planes.len()];
                notify(&handle, fov, plane);
            }
        })
    });
    let notifiers: Vec<_> = notifiers.collect();
    while notifiers.iter().any(|thread| !thread.is_finished()) {
        desk.harness.step();
    }
    for thread in notifiers {
        thread.join().unwrap();
    }
    handle.end_zarr_acquisition().unwrap();
    let found = state(&mut desk, &handle, &run);

    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    for (fov, plane) in run.planes() {
        notify(&handle, fov, plane);
        desk.harness.step();
    }
    handle.end_zarr_acquisition().unwrap();
    let expected = state(&mut desk, &handle, &run);
    assert_eq!(found, expected);
    assert_eq!(expected.0.written, run.planes().len() as u64);
}

//! The socket as clients use it: announcing, driving, asking, waiting for a picture; and the command line around it.

use std::{
    io::{BufWriter, Write as _},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    dataset::{AnnouncedLayout, Registered},
    live::{
        Client, ClientError, Destination, InstanceFolder, Listen, LiveEvent, News, Server, Status,
    },
    model::{NavAxis, Shown},
};

use crate::{
    live_window::{Window, at, dataset, notice, showing, start, starts},
    program::squidview,
};

// Announcing.

#[test]
fn fifty_thousand_notices_arrive_merged_and_none_is_lost() {
    const NUM_NOTICES: u32 = 50_000;
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 5));
    window.settled(&mut raw);
    let place = |n: u32| (n / 100 % 100, n % 5, n % 100);
    let mut lines = Vec::new();
    for n in 0..NUM_NOTICES {
        let (t, fov, z) = place(n);
        lines.push(format!("{}\n", notice("a", t, fov, z)));
    }
    let began = Instant::now();
    let mut out = BufWriter::new(raw.stream.try_clone().unwrap());
    for line in &lines {
        out.write_all(line.as_bytes()).unwrap();
    }
    out.flush().unwrap();
    let news = window.settled(&mut raw);
    let per_second = f64::from(NUM_NOTICES) / began.elapsed().as_secs_f64();
    eprintln!("{per_second:.0} notices per second over the socket");
    for n in 0..NUM_NOTICES {
        let (t, fov, z) = place(n);
        let is_known = news.written.contains_key(&at(fov, t, z)) || news.rescan.contains(&fov);
        assert!(is_known, "FOV {fov}, t {t}, z {z} was lost");
    }
    assert!(news.written.len() <= 10_000);
    assert_eq!(news.num_late, 0);
}

#[test]
fn a_list_is_taken_entry_by_entry_and_its_first_error_told() {
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 2));
    let frames = json!([[0, 0, 1, "GFP", 0], [0, 1, 2, "GFP"], [1, 0, 3, "DAPI", 0]]);
    let all = json!({"do": "notify_zarr_frames", "acquisition": "a", "frames": frames});
    assert_eq!(raw.ask_ok(&all), json!({"taken": 3}));
    let frames = json!([
        [0, 0, 4, "GFP", 0],
        [0, 2, 4, "GFP", 0],
        [0, 0, 4, "RFP", 0],
        [0, 1, 5, "GFP", 0]
    ]);
    let some = json!({"do": "notify_zarr_frames", "acquisition": "a", "frames": frames});
    let answer = raw.ask(&some);
    assert_eq!(answer["error"]["code"], "out_of_range");
    assert_eq!(answer["error"]["message"], "fov_idx 2, expected 0 to 1");
    assert_eq!(answer["error"]["taken"], 2);
    let news = window.settled(&mut raw);
    assert_eq!(news.written.len(), 5);
}

#[test]
fn a_notice_without_id_is_silent_unless_it_is_refused() {
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 1));
    raw.say(&notice("a", 0, 0, 0));
    raw.say(&notice("a", 0, 0, 100));
    raw.say(&notice("b", 0, 0, 0));
    let first = raw.hear();
    assert_eq!(first["id"], json!(null));
    assert_eq!(first["error"]["code"], "out_of_range");
    assert_eq!(raw.hear()["error"]["code"], "not_started");
    let message = json!({"do": "notify_zarr_frame", "acquisition": "a", "t": 0, "fov_idx": 0, "z": 0, "channel": "RFP"});
    assert_eq!(raw.ask_refused(&message).0, "unknown_channel");
}

#[test]
fn a_start_that_makes_no_sense_is_refused_with_its_values() {
    let window = Window::new();
    let mut raw = window.client();
    let mut bad = start("a", 1);
    bad["channels"] = json!(["GFP", "GFP"]);
    let (code, message) = raw.ask_refused(&bad);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("invalid", "channel \"GFP\" is named twice")
    );
    let six = json!({
        "do": "start_zarr_acquisition_6d", "acquisition": "b", "region_paths": ["/r/0", "/r/1"],
        "channels": ["GFP"], "num_z": 1, "fovs_per_region": [4, 6], "height": 48, "width": 64,
    });
    let mut wrong = six.clone();
    wrong["fov_labels"] = json!(["A1:0"]);
    let (code, message) = raw.ask_refused(&wrong);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("invalid", "1 labels of FOVs, expected 10, one per FOV")
    );
    let labels: Vec<String> = (0..10).map(|fov| format!("F{fov}")).collect();
    let mut right = six;
    right["fov_labels"] = json!(labels);
    raw.ask_ok(&right);
    let local = json!({"do": "notify_zarr_frame", "acquisition": "b", "t": 0, "fov_idx": 5, "z": 0, "channel": "GFP", "region_idx": 1});
    raw.ask_ok(&local);
    let news = window.settled(&mut raw);
    let Some(LiveEvent::Started(started)) = news.events.front() else {
        panic!("{news:?}");
    };
    assert_eq!(started.announcement.labels, labels);
    assert!(matches!(
        started.announcement.layout,
        AnnouncedLayout::PerRegion { .. }
    ));
    assert_eq!(news.written.keys().next().unwrap().fov, 9);
}

#[test]
fn a_path_that_is_not_absolute_is_refused_with_the_path() {
    let window = Window::new();
    let mut raw = window.client();
    let mut refused = |message: &Value, path: &str| {
        let expected = format!("expected an absolute path, found {path:?}");
        assert_eq!(raw.ask_refused(message), ("invalid".into(), expected));
    };
    let mut per_fov = start("a", 2);
    per_fov["fov_paths"][1] = json!("rel/a");
    refused(&per_fov, "rel/a");
    let per_region = json!({
        "do": "start_zarr_acquisition_6d", "acquisition": "b", "region_paths": ["rel/b"],
        "channels": ["GFP"], "num_z": 1, "fovs_per_region": [1], "height": 48, "width": 64,
    });
    refused(&per_region, "rel/b");
    raw.ask_ok(&json!({
        "do": "start_acquisition", "acquisition": "c", "channels": ["GFP"], "num_z": 3, "height": 2, "width": 3,
        "fov_labels": ["A1:0"],
    }));
    let image = json!({"do": "register_image", "acquisition": "c", "t": 0, "fov_idx": 0, "z": 0, "channel": "GFP", "path": "rel/c.tiff"});
    let (code, message) = raw.ask_refused(&image);
    assert_eq!(code, "invalid");
    assert!(message.contains("rel/c.tiff"), "{message}");
    // An address has no working folder.
    let mut elsewhere = start("d", 1);
    elsewhere["fov_paths"][0] = json!("s3://bucket/a.zarr");
    raw.ask_ok(&elsewhere);
}

#[test]
fn registered_files_and_arrays_are_kept_for_the_store() {
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&json!({
        "do": "start_acquisition", "acquisition": "a", "channels": ["GFP"], "num_z": 3, "height": 2, "width": 3,
        "fov_labels": ["A1:0"], "pixel_size_um": 0.5, "dz_um": -1.0,
    }));
    raw.ask_ok(&json!({"do": "register_image", "acquisition": "a", "t": 0, "fov_idx": 0, "z": 0, "channel": "GFP", "path": "/a.tiff"}));
    let images = json!([
        [0, 0, 1, "GFP", "/b.tiff", 7],
        [0, 0, 1, "GFP", "", 0],
        [0, 0, 1, "GFP", "/b.tiff", -1]
    ]);
    let answer = raw.ask(&json!({"do": "register_images", "acquisition": "a", "images": images}));
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["taken"]),
        (&json!("invalid"), &json!(1))
    );
    // 1 to 6 as little-endian u16.
    let array = json!({
        "do": "register_array", "acquisition": "a", "t": 0, "fov_idx": 0, "z": 2, "channel": "GFP",
        "dtype": "uint16", "shape": [2, 3], "data": "AQACAAMABAAFAAYA",
    });
    raw.ask_ok(&array);
    let mut wrong = array;
    wrong["shape"] = json!([3, 2]);
    assert_eq!(raw.ask_refused(&wrong).0, "invalid");
    let news = window.settled(&mut raw);
    let Some(LiveEvent::Started(started)) = news.events.front() else {
        panic!("{news:?}");
    };
    assert_eq!(started.announcement.pixel_size_um, Some(0.5));
    assert_eq!(started.announcement.z_step_um, None);
    assert_eq!(started.announcement.warnings.len(), 1);
    let plane = |z| squidview::dataset::PlaneAt {
        fov: 0,
        t: 0,
        c: 0,
        z,
    };
    let registered = |z| started.registered.get(plane(z));
    assert!(matches!(
        registered(1),
        Some(Registered::File { page_idx: 7, .. })
    ));
    match registered(2) {
        Some(Registered::Pixels(pixels)) => {
            let last = pixels.value(2, 1).unwrap();
            assert_eq!(last.as_f64(), 6.0);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(news.written.len(), 3);
}

#[test]
fn a_rescan_flags_fovs() {
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 3));
    window.settled(&mut raw);
    raw.ask_ok(&json!({"do": "rescan", "acquisition": "a", "fovs": [2]}));
    assert_eq!(window.settled(&mut raw).rescan, [2].into());
    let wrong = json!({"do": "rescan", "acquisition": "a", "fovs": [1, 3]});
    assert_eq!(raw.ask_refused(&wrong).0, "out_of_range");
    raw.ask_ok(&json!({"do": "rescan", "acquisition": "a"}));
    assert_eq!(window.settled(&mut raw).rescan, [0, 1, 2].into());
}

// Names.

fn has_displaced(news: &News) -> bool {
    let mut events = news.events.iter();
    events.any(|event| matches!(event, LiveEvent::Displaced(_)))
}

#[test]
fn of_two_clients_the_latest_start_is_shown_and_the_other_offered() {
    let window = Window::new();
    let (mut first, mut second) = (window.client(), window.client());
    first.ask_ok(&start("a", 1));
    second.ask_ok(&start("b", 1));
    first.ask_ok(&notice("a", 0, 0, 1));
    second.ask_ok(&notice("b", 0, 0, 2));
    let news = window.settled(&mut second);
    assert_eq!(news.acquisition, starts(&news).last().copied());
    assert!(has_displaced(&news));
    assert_eq!(news.written.into_keys().collect::<Vec<_>>(), [at(0, 0, 2)]);
    assert_eq!(news.num_late, 1);
}

#[test]
fn a_client_that_reconnects_goes_on_under_its_name() {
    let window = Window::new();
    let mut before = window.client();
    before.ask_ok(&start("a", 1));
    before.ask_ok(&notice("a", 0, 0, 1));
    drop(before);
    let mut after = window.client();
    // Also before it says its start again.
    after.ask_ok(&notice("a", 0, 0, 2));
    after.ask_ok(&start("a", 1));
    after.ask_ok(&notice("a", 0, 0, 3));
    after.ask_ok(&json!({"do": "end_zarr_acquisition", "acquisition": "a"}));
    let news = window.settled(&mut after);
    assert_eq!(starts(&news).len(), 1);
    assert_eq!((news.written.len(), news.num_late), (3, 0));
    let ended = news
        .events
        .iter()
        .filter(|event| matches!(event, LiveEvent::Ended(_)));
    assert_eq!(ended.count(), 1);
    // It is the same client, so its next start displaces nobody.
    after.ask_ok(&start("b", 1));
    let news = window.settled(&mut after);
    assert_eq!(starts(&news).len(), 1);
    assert!(!has_displaced(&news));
}

#[test]
fn what_comes_late_for_a_replaced_acquisition_is_counted() {
    let window = Window::new();
    let mut raw = window.client();
    for name in ["a", "b", "c"] {
        raw.ask_ok(&start(name, 1));
        window.settled(&mut raw);
    }
    raw.ask_ok(&notice("a", 0, 0, 1));
    raw.ask_ok(&notice("b", 0, 0, 1));
    raw.ask_ok(&notice("c", 0, 0, 1));
    raw.ask_ok(&json!({"do": "end_acquisition", "acquisition": "a"}));
    let news = window.settled(&mut raw);
    assert_eq!((news.num_late, news.written.len()), (2, 1));
    let status = raw.ask_ok(&json!({"do": "status"}));
    assert_eq!(status["late_notices"], 2);
    // The viewer is done with it, so the same name is a new start.
    raw.ask_ok(&start("a", 1));
    assert_eq!(starts(&window.settled(&mut raw)).len(), 1);
}

#[test]
fn old_names_are_forgotten() {
    let window = Window::new();
    let mut raw = window.client();
    for number in 0..300 {
        raw.ask_ok(&start(&number.to_string(), 1));
    }
    assert_eq!(raw.ask_refused(&notice("0", 0, 0, 0)).0, "not_started");
    raw.ask_ok(&notice("100", 0, 0, 0));
    raw.ask_ok(&notice("299", 0, 0, 0));
    let news = window.settled(&mut raw);
    assert_eq!((news.num_late, news.written.len()), (1, 1));
}

#[test]
fn a_name_that_is_started_anew_is_new_for_every_connection() {
    let window = Window::new();
    let (mut one, mut other) = (window.client(), window.client());
    one.ask_ok(&start("a", 1));
    one.ask_ok(&notice("a", 0, 0, 1));
    // The same client by its name; what it started before is then done with.
    other.ask_ok(&notice("a", 0, 0, 2));
    // A start may overtake notices of what was shown before, which are late then.
    window.settled(&mut other);
    other.ask_ok(&start("b", 1));
    window.settled(&mut other);
    other.ask_ok(&start("a", 1));
    one.ask_ok(&notice("a", 0, 0, 3));
    let news = window.settled(&mut one);
    assert_eq!(news.num_late, 0);
    assert!(news.written.contains_key(&at(0, 0, 3)));
}

// Driving and asking.

#[test]
fn a_client_drives_the_window() {
    let window = Window::new();
    let mut raw = window.client();
    let closed = json!({"do": "notify_written", "t": 0, "fov": 0, "z": 0, "channel": "GFP"});
    assert_eq!(raw.ask_refused(&closed).0, "not_open");
    assert_eq!(
        raw.ask_ok(&json!({"do": "go_to_well_fov", "well_id": "A1", "fov_index": 0})),
        json!({"found": false})
    );
    let dataset = dataset();
    window.live.publish(Arc::new(showing(&dataset, 0, 0, 0, 0)));
    let last = dataset
        .fov(dataset.fov_at(dataset.num_fovs() - 1).unwrap())
        .unwrap();
    let (region, number) = (last.region.clone().unwrap(), last.fov_in_region.unwrap());
    let found = json!({"found": true});
    assert_eq!(
        raw.ask_ok(&json!({"do": "go_to_well_fov", "well_id": region, "fov_index": number})),
        found
    );
    assert_eq!(
        raw.ask_ok(&json!({"do": "set_current_index", "dim": "fov", "value": 1})),
        found
    );
    assert_eq!(
        raw.ask_ok(&json!({"do": "set_current_index", "dim": "fov", "value": 10_000})),
        json!({"found": false})
    );
    raw.ask_ok(&json!({"do": "set_index", "z": 1}));
    raw.ask_ok(&json!({"do": "load_fov", "fov": 2, "t": 0}));
    assert_eq!(
        raw.ask_refused(&json!({"do": "set_index", "t": -1})).0,
        "out_of_range"
    );
    let channel = dataset.template.channels[0].display_name(0);
    raw.ask_ok(&json!({"do": "notify_written", "t": 0, "fov": number, "z": 0, "channel": channel, "region": region}));
    raw.ask_ok(&json!({"do": "open", "path": "/data/b"}));
    raw.ask_ok(&json!({"do": "refresh"}));
    raw.ask_ok(&json!({"do": "show_window"}));
    raw.ask_ok(&json!({"do": "warn", "message": "slow disk"}));
    let events: Vec<LiveEvent> = window.settled(&mut raw).events.into();
    let go = |at: usize| match &events[at] {
        LiveEvent::Go(to) => to.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(go(0), [Destination::Label(format!("{region}:{number}"))]);
    assert_eq!(go(1), [Destination::Index(NavAxis::Fov, 1)]);
    assert_eq!(go(2), [Destination::Index(NavAxis::Z, 1)]);
    assert_eq!(go(3).len(), 2);
    let last_fov = dataset.fov_at(dataset.num_fovs() - 1).unwrap();
    assert!(matches!(events[4], LiveEvent::Written { fov, .. } if fov == last_fov));
    assert!(matches!(&events[5], LiveEvent::Open(path) if path.ends_with("b")));
    assert!(matches!(events[6], LiveEvent::Refresh));
    assert!(matches!(events[7], LiveEvent::ShowWindow));
    assert!(matches!(&events[8], LiveEvent::Warning(text) if text == "slow disk"));
}

#[test]
fn a_client_is_told_what_is_open_and_shown() {
    let window = Window::new();
    let mut raw = window.client();
    let empty = raw.ask_ok(&json!({"do": "status"}));
    assert_eq!(
        (&empty["dataset"], &empty["shown"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(
        raw.ask_ok(&json!({"do": "get_fov_list"})),
        json!({"fovs": []})
    );
    raw.ask_ok(&start("a", 1));
    let news = window.settled(&mut raw);
    let dataset = dataset();
    window.live.publish(Arc::new(Status {
        acquisition: news.acquisition,
        is_push_active: true,
        ..showing(&dataset, 1, 0, 2, 0)
    }));
    let status = raw.ask_ok(&json!({"do": "status"}));
    assert_eq!(
        (&status["acquisition"], &status["push_active"]),
        (&json!("a"), &json!(true))
    );
    assert_eq!(status["dataset"]["num_fovs"], dataset.num_fovs());
    assert_eq!(status["has_fov_dimension"], true);
    assert_ne!(status["fov_list_revision"], empty["fov_list_revision"]);
    let shown = &status["shown"];
    assert_eq!((&shown["fov"], &shown["z"]), (&json!(1), &json!(2)));
    let first = &shown["channels"][0];
    assert_eq!(
        (&first["state"], &first["pixels"]),
        (&json!("written"), &json!(true))
    );
    assert!(shown["age_s"].as_f64().unwrap() >= 0.0);
    let list = raw.ask_ok(&json!({"do": "get_fov_list"}));
    let fovs = list["fovs"].as_array().unwrap();
    assert_eq!(fovs.len(), dataset.num_fovs() as usize);
    for (flat, fov) in fovs.iter().enumerate() {
        let row = dataset.fov(dataset.fov_at(flat as u32).unwrap()).unwrap();
        assert_eq!(fov["label"], row.label.as_str());
    }
    // Another revision of the dataset with the same FOVs.
    let again = dataset.with_opened(Vec::new());
    window
        .live
        .publish(Arc::new(showing(&Arc::new(again), 1, 0, 2, 0)));
    let later = raw.ask_ok(&json!({"do": "status"}));
    assert_eq!(later["fov_list_revision"], status["fov_list_revision"]);
}

#[test]
fn a_subscriber_hears_of_changes_and_of_the_last_one_in_any_case() {
    let window = Window::new();
    let dataset = dataset();
    let mut raw = window.client();
    raw.ask_ok(&json!({"do": "subscribe"}));
    window.live.publish(Arc::new(showing(&dataset, 0, 0, 1, 0)));
    let event = raw.hear();
    assert_eq!(
        (&event["event"], &event["status"]["shown"]["z"]),
        (&json!("status"), &json!(1))
    );
    let began = Instant::now();
    for z in [2, 3, 4].into_iter().cycle().take(300) {
        window.live.publish(Arc::new(showing(&dataset, 0, 0, z, 0)));
        std::thread::sleep(Duration::from_millis(1));
    }
    window.live.publish(Arc::new(showing(&dataset, 1, 0, 0, 0)));
    let mut num_events = 1;
    while raw.hear()["status"]["shown"]["fov"] != 1 {
        num_events += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    assert!(
        f64::from(num_events) <= 30.0 * seconds + 2.0,
        "{num_events} in {seconds} s"
    );
}

#[test]
fn a_picture_is_waited_for_without_holding_up_other_messages() {
    let window = Window::new();
    let dataset = dataset();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 2));
    raw.ask_ok(&notice("a", 0, 1, 2));
    raw.say(&json!({"id": "first", "do": "wait_shown", "timeout_s": 60, "t": 0, "fov": 1, "z": 2}));
    raw.say(&json!({"id": "second", "do": "wait_shown", "timeout_s": 60, "fov": 0}));
    raw.ask_ok(&json!({"do": "status"}));
    let fence = window.settled(&mut raw).fence;
    // The right place, but before the notice was taken into account.
    window.live.publish(Arc::new(showing(&dataset, 1, 0, 2, 0)));
    raw.ask_ok(&json!({"do": "status"}));
    // After it, with the pixels from before.
    let mut stale = showing(&dataset, 1, 0, 2, fence);
    shown_in(&mut stale).planes[1].is_latest = false;
    window.live.publish(Arc::new(stale));
    raw.ask_ok(&json!({"do": "status"}));
    window
        .live
        .publish(Arc::new(showing(&dataset, 1, 0, 2, fence)));
    let answer = raw.hear();
    assert_eq!(answer["id"], "first");
    assert!(answer["ok"]["age_s"].as_f64().unwrap() >= 0.0);
    assert_eq!(answer["ok"]["shown"]["fov"], 1);
    window
        .live
        .publish(Arc::new(showing(&dataset, 0, 0, 2, fence)));
    assert_eq!(raw.hear()["id"], "second");
}

#[test]
fn only_the_named_channel_is_waited_for() {
    let window = Window::new();
    let dataset = dataset();
    let mut raw = window.client();
    let name = |c: usize| dataset.template.channels[c].display_name(c);
    for c in [0, 1] {
        raw.say(&json!({"id": c, "do": "wait_shown", "timeout_s": 0.2 + 60.0 * f64::from(1 - c), "channel": name(c as usize)}));
    }
    raw.ask_ok(&json!({"do": "status"}));
    let fence = window.settled(&mut raw).fence;
    let mut half = showing(&dataset, 0, 0, 0, fence);
    shown_in(&mut half).planes[1].has_pixels = false;
    window.live.publish(Arc::new(half));
    let (one, other) = (raw.hear(), raw.hear());
    let answers = [one, other];
    let of = |id: u32| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert!(of(0).get("ok").is_some());
    assert_eq!(of(1)["error"]["code"], "timeout");
}

#[test]
fn a_wait_that_nothing_meets_times_out() {
    let window = Window::new();
    let mut raw = window.client();
    let wait = |timeout_s: f64| json!({"do": "wait_shown", "timeout_s": timeout_s, "fov": 0});
    assert_eq!(raw.ask_refused(&wait(0.05)).0, "timeout");
    assert_eq!(raw.ask_refused(&wait(0.0)).0, "timeout");
    assert_eq!(raw.ask_refused(&wait(-1.0)).0, "invalid");
    assert_eq!(raw.ask_refused(&wait(1e300)).0, "invalid");
    raw.say(&wait(1.0));
    assert_eq!(raw.hear()["error"]["code"], "bad_message");
}

#[test]
fn a_wait_for_what_there_is_not_is_out_of_range() {
    let window = Window::new();
    let mut raw = window.client();
    let wait = |axis: &str, at: i64, timeout_s: f64| {
        let mut wait = json!({"do": "wait_shown", "timeout_s": timeout_s});
        wait[axis] = json!(at);
        wait
    };
    for axis in ["t", "fov", "z"] {
        let (code, message) = raw.ask_refused(&wait(axis, -1, 60.0));
        assert_eq!(code, "out_of_range");
        assert!(message.starts_with(&format!("{axis} -1, ")), "{message}");
    }
    // As long as nothing is open nobody knows.
    assert_eq!(raw.ask_refused(&wait("fov", 99, 0.05)).0, "timeout");
    let dataset = dataset();
    let lengths = [NavAxis::Time, NavAxis::Fov, NavAxis::Z].map(|axis| dataset.len_along(axis));
    let shown = showing(&dataset, 0, 0, 0, u64::MAX);
    window.live.publish(Arc::new(shown));
    for (axis, length) in ["t", "fov", "z"].into_iter().zip(lengths) {
        let expected = format!("{axis} 99, expected 0 to {}", length - 1);
        let wait = wait(axis, 99, if dataset.is_running() { 0.05 } else { 60.0 });
        assert_eq!(raw.ask_refused(&wait), ("out_of_range".into(), expected));
    }
}

// The client of the library, instance files, the command line.

#[test]
fn the_client_of_the_library_finds_the_newest_window_that_answers() {
    let window = Window::new();
    let mut leftover = window.server.instance().clone();
    // A port where nobody listens any more.
    leftover.address = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap()
    };
    leftover.started_unix_ms += 1_000_000;
    let path = window.folder.path().join("instance-1.json");
    std::fs::write(path, serde_json::to_vec(&leftover).unwrap()).unwrap();
    let mut client = window.library_client();
    let mut second =
        Client::at(&window.folder, &window.server.address().to_string(), "test").unwrap();
    client
        .request("start_zarr_acquisition", start("a", 1))
        .unwrap();
    client
        .send("notify_zarr_frame", notice("a", 0, 0, 100))
        .unwrap();
    let refused = client.request("fly", json!({}));
    assert!(matches!(refused, Err(ClientError::Refused { code, .. }) if code == "bad_message"));
    assert_eq!(
        client.take_refusals(),
        ["out_of_range: z 100, expected 0 to 99"]
    );
    let status = second.request("status", Value::Null).unwrap();
    assert_eq!(status["dataset"], json!(null));
    let elsewhere = Client::at(&window.folder, "127.0.0.1:1", "test");
    assert!(matches!(elsewhere, Err(ClientError::NoSuchInstance { .. })));
    let folder = window.folder.clone();
    drop(window);
    assert!(client.request("status", json!({})).is_err());
    assert!(matches!(
        Client::newest(&folder, "test"),
        Err(ClientError::NoInstance { .. })
    ));
}

#[test]
fn an_address_or_a_folder_that_is_refused_is_an_error_in_words() {
    let window = Window::new();
    let taken = Listen::At(window.server.address().to_string());
    let error = Server::start(&window.live, &taken, &window.folder)
        .err()
        .unwrap()
        .to_string();
    assert!(error.starts_with("cannot listen at 127.0.0.1:"), "{error}");
    let file = window.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let folder = InstanceFolder::at(&file);
    let anywhere = Listen::At("127.0.0.1:0".into());
    assert!(Server::start(&window.live, &anywhere, &folder).is_err());
    assert!(
        Server::start(&window.live, &Listen::Off, &folder)
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_documented_port_is_used_or_any_free_one() {
    let window = Window::new();
    let start = || Server::start(&window.live, &Listen::Loopback, &window.folder);
    let (one, other) = (start().unwrap().unwrap(), start().unwrap().unwrap());
    assert!(one.address().ip().is_loopback());
    assert_ne!(one.address(), other.address());
}

#[test]
fn reuse_hands_its_path_to_the_window_that_runs() {
    let window = Window::new();
    let settings = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(["--reuse", "some/acquisition"])
        .current_dir(settings.path())
        .env("SQUIDVIEW_CONFIG_DIR", settings.path())
        .env("SQUIDVIEW_RUNTIME_DIR", window.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let news = window.news_until(|news| !news.events.is_empty());
    match &news.events[0] {
        LiveEvent::Open(path) => {
            let expected = settings
                .path()
                .canonicalize()
                .unwrap()
                .join("some/acquisition");
            assert_eq!(path, &expected);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_calls_about_listening_are_usage_errors() {
    for arguments in [
        &["--listen", "127.0.0.1:0", "--no-listen"][..],
        &["--listen", "47816"],
        &["--listen", "localhost:port"],
        &["--reuse"],
    ] {
        let ran = squidview(arguments);
        assert_eq!(ran.status, Some(2), "{arguments:?}: {ran:?}");
    }
}

fn shown_in(status: &mut Status) -> &mut Shown {
    Arc::make_mut(status.shown.as_mut().unwrap())
}

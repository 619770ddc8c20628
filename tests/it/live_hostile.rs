//! The socket against clients that are broken, slow, many, or mean no good.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use crate::live_window::{Raw, Window, dataset, notice, showing, start, starts, within_patience};

/// The error that a connection ends with.
fn last_words(raw: &mut Raw) -> String {
    let error = raw.hear();
    assert_eq!(error["id"], json!(null), "{error}");
    assert_eq!(raw.hear_line(), None);
    error["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn who_does_not_say_hello_properly_is_told_and_let_go() {
    let window = Window::new();
    let check = |bytes: &[u8], code: &str| {
        let mut raw = window.stranger();
        raw.say_bytes(bytes);
        assert_eq!(last_words(&mut raw), code, "{}", bytes.escape_ascii());
    };
    check(b"garbage\n", "bad_message");
    check(b"\x00\xff\xfe\x80\n", "bad_message");
    check(b"GET / HTTP/1.1\r\n\r\n", "bad_message");
    check(b"{\"id\": 1, \"do\": \"status\"}\n", "bad_message");
    check(
        b"{\"hello\": {\"protocol\": 1, \"token\": \"x\"}}\n",
        "bad_token",
    );
    check(b"{\"hello\": {\"protocol\": 1}}\n", "bad_token");
    check(b"{\"hello\": {}}\n", "bad_message");
    check(&[b'x'; 5000], "line_too_long");
    let token = window.server.instance().token.clone();
    for wrong in [&token[1..], &format!("{token}x"), ""] {
        let mut raw = window.stranger();
        raw.hello(wrong, 1);
        assert_eq!(last_words(&mut raw), "bad_token");
    }
    let mut raw = window.stranger();
    raw.hello(&token, 2);
    assert_eq!(last_words(&mut raw), "unsupported_protocol");
    assert!(window.is_empty_within_patience());
}

#[test]
fn who_says_nothing_is_let_go_after_a_while() {
    let window = Window::new();
    let mut raw = window.stranger();
    raw.say_bytes(b"{\"hello\"");
    assert_eq!(last_words(&mut raw), "bad_message");
}

#[test]
fn garbage_after_the_hello_ends_only_its_connection() {
    let window = Window::new();
    let mut other = window.client();
    for garbage in [&b"]\n"[..], b"\xff\n", b"\n", b"{\"do\": \"status\"\n"] {
        let mut raw = window.client();
        raw.say_bytes(garbage);
        assert_eq!(last_words(&mut raw), "bad_message");
    }
    let mut raw = window.client();
    raw.say(&json!({"id": 3, "do": "fly"}));
    assert_eq!(raw.hear()["error"]["code"], "bad_message");
    raw.ask_ok(&json!({"do": "status"}));
    other.ask_ok(&json!({"do": "status"}));
}

#[test]
fn half_a_message_and_a_disconnect_are_harmless() {
    let window = Window::new();
    let mut raw = window.client();
    raw.ask_ok(&start("a", 1));
    let whole = notice("a", 0, 0, 1).to_string();
    raw.say_bytes(&whole.as_bytes()[..whole.len() - 9]);
    drop(raw);
    let mut raw = window.stranger();
    raw.say_bytes(b"{\"hel");
    drop(raw);
    assert!(window.is_empty_within_patience());
    let mut other = window.client();
    other.ask_ok(&start("a", 1));
    let news = window.settled(&mut other);
    assert_eq!(news.written.len(), 0);
    assert_eq!(starts(&news).len(), 1, "the same name is the same start");
}

#[test]
fn a_line_of_a_gigabyte_is_refused_long_before_its_end() {
    const GIGABYTE: usize = 1 << 30;
    let window = Window::new();
    let mut raw = window.client();
    let piece = vec![b'x'; 1 << 20];
    let mut num_sent = 0;
    raw.say_bytes(b"{\"do\": \"warn\", \"message\": \"");
    while num_sent < GIGABYTE && raw.stream.write_all(&piece).is_ok() {
        num_sent += piece.len();
    }
    // The limit is 64 MiB; the rest fits into the buffers of the system.
    assert!(num_sent < 128 << 20, "{num_sent} bytes were taken");
    assert_eq!(last_words(&mut raw), "line_too_long");
    window.client().ask_ok(&json!({"do": "status"}));
}

#[test]
fn a_subscriber_that_never_reads_blocks_nobody() {
    let window = Window::new();
    let mut slow = window.client();
    slow.ask_ok(&json!({"do": "subscribe"}));
    let mut other = window.client();
    let dataset = dataset();
    let began = Instant::now();
    for number in 0..20_000 {
        window
            .live
            .publish(Arc::new(showing(&dataset, 0, number % 2, 0, 0)));
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    other.ask_ok(&json!({"do": "status"}));
    // What it hears at last is the latest.
    let last = dataset.num_fovs() - 1;
    window
        .live
        .publish(Arc::new(showing(&dataset, last, 0, 0, 0)));
    let mut num_events = 1;
    while slow.hear()["status"]["shown"]["fov"] != last {
        num_events += 1;
    }
    assert!(num_events < 1000, "{num_events} events for 20,001 changes");
}

#[test]
fn replies_that_nobody_reads_are_bounded_and_come_in_order() {
    // 25 MB of questions, 50 MB of replies: more than the system's buffers hold.
    const NUM_QUESTIONS: usize = 100_000;
    let window = Window::new();
    let mut raw = window.client();
    let mut out = raw.stream.try_clone().unwrap();
    let num_asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&num_asked);
    let asking = std::thread::Builder::new()
        .name("asking".into())
        .spawn(move || {
            for id in 0..NUM_QUESTIONS {
                let filler = "x".repeat(200);
                let question = json!({"id": format!("{filler}{id}"), "do": "status"});
                out.write_all(format!("{question}\n").as_bytes()).unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
            }
        })
        .unwrap();
    // While nobody reads, another client is answered.
    let mut other = window.client();
    let asked = || num_asked.load(Ordering::SeqCst);
    assert!(within_patience(|| {
        let before = asked();
        std::thread::sleep(Duration::from_millis(100));
        before > 0 && asked() == before
    }));
    assert!(asked() < NUM_QUESTIONS, "the client was held up");
    other.ask_ok(&json!({"do": "status"}));
    for id in 0..NUM_QUESTIONS {
        let answer = raw.hear();
        let text = answer["id"].as_str().unwrap();
        assert_eq!(text[200..], id.to_string());
    }
    asking.join().unwrap();
}

#[test]
fn a_thousand_connections_are_sixty_four_clients() {
    let window = Window::new();
    let mut clients: Vec<Raw> = (0..64).map(|_| window.client()).collect();
    assert_eq!(window.server.num_clients(), 64);
    for _ in 0..20 {
        let more: Vec<Raw> = (0..48).map(|_| window.stranger()).collect();
        assert_eq!(window.server.num_clients(), 64);
        for (at, mut raw) in more.into_iter().enumerate() {
            assert_eq!(last_words(&mut raw), "too_many_clients", "connection {at}");
        }
    }
    for client in &mut clients {
        client.ask_ok(&json!({"do": "status"}));
    }
    drop(clients);
    assert!(window.is_empty_within_patience());
    window.client().ask_ok(&json!({"do": "status"}));
}

#[test]
fn a_window_that_closes_lets_everybody_go() {
    let window = Window::new();
    let folder = window.folder.clone();
    let mut raws: Vec<Raw> = (0..8).map(|_| window.client()).collect();
    let mut strangers: Vec<Raw> = (0..8).map(|_| window.stranger()).collect();
    raws[0].say(&json!({"id": 1, "do": "wait_shown", "timeout_s": 600}));
    assert_eq!(folder.list().unwrap().len(), 1);
    let began = Instant::now();
    drop(window);
    assert!(began.elapsed() < Duration::from_secs(4));
    assert_eq!(folder.list().unwrap(), []);
    for raw in raws.iter_mut().chain(&mut strangers) {
        while raw.hear_line().is_some() {}
    }
}

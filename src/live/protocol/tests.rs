//! Lines of every kind, and lines of no kind.

use proptest::prelude::*;

use super::*;

fn understood(line: &str) -> (Option<Id>, Request<'_>) {
    match parse(line.as_bytes()) {
        Ok(Message::Request(id, request)) => (id, request),
        other => panic!("{line}: {other:?}"),
    }
}

fn misunderstood(line: &[u8]) -> Misunderstood {
    match parse(line) {
        Err(misunderstood) => misunderstood,
        Ok(message) => panic!("{message:?}"),
    }
}

#[test]
fn a_hello_is_understood() {
    let line = br#"{"hello": {"protocol": 1, "token": "abc", "client": "squid 2026.7"}}"#;
    match parse(line) {
        Ok(Message::Hello(hello)) => {
            assert_eq!((hello.protocol, hello.token.0.as_ref()), (1, "abc"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_notice_borrows_its_texts_from_the_line() {
    let line = r#"{"do": "notify_zarr_frame", "acquisition": "7f", "t": 1, "fov_idx": 2, "z": 3, "channel": "GFP", "region_idx": null}"#;
    match understood(line) {
        (None, Request::Frame(name, at)) => {
            assert_eq!((at.t, at.fov_idx, at.z, at.region_idx), (1, 2, 3, None));
            assert!(matches!(name.0, Cow::Borrowed("7f")));
            assert!(matches!(at.channel.0, Cow::Borrowed("GFP")));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn entries_of_a_list_are_read_by_place() {
    let line = r#"{"id": "a", "do": "notify_zarr_frames", "acquisition": "7f",
        "frames": [[0, 1, 2, "G\u0046P", 3], [4, 5, 6, "DAPI"]]}"#;
    match understood(line) {
        (Some(Id::Text(id)), Request::Frames(_, list)) => {
            assert_eq!(id, "a");
            let frames = list.frames.0;
            assert_eq!((frames[0].t, frames[0].region_idx), (0, Some(3)));
            assert_eq!(frames[0].channel.0, "GFP");
            assert_eq!((frames[1].z, frames[1].region_idx), (6, None));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_million_notices_are_one_line() {
    let entry = r#"[0, 1, 2, "GFP", 0]"#;
    let entries = vec![entry; 1_000_000].join(",");
    let line =
        format!(r#"{{"do": "notify_zarr_frames", "acquisition": "7f", "frames": [{entries}]}}"#);
    match understood(&line) {
        (None, Request::Frames(_, list)) => assert_eq!(list.frames.0.len(), 1_000_000),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_may_be_left_out_may_be_left_out() {
    let wait = understood(r#"{"id": 7, "do": "wait_shown", "timeout_s": 2}"#);
    assert!(matches!(wait.1, Request::WaitShown(wait) if wait.t.is_none()));
    let rescan = understood(r#"{"do": "rescan", "acquisition": "a"}"#);
    assert!(matches!(rescan.1, Request::Rescan(_, rescan) if rescan.fovs.is_none()));
    let go = understood(r#"{"do": "set_index", "z": null, "unknown": {"a": []}}"#);
    assert!(matches!(go.1, Request::SetIndex(go) if go.z.is_none()));
}

#[test]
fn what_is_no_object_ends_the_connection() {
    for line in [
        &b""[..],
        b"hello",
        b"[1, 2]",
        b"[1, \"status\"]",
        b"GET / HTTP/1.1\r",
        b"{\"id\": 1, \"do\":",
        b"{} {}",
        b"\xff\xfe{}",
        b"\0",
    ] {
        let found = misunderstood(line);
        assert!(found.is_fatal, "{line:?}: {found:?}");
    }
    let deep = "[".repeat(100_000);
    assert!(misunderstood(format!("{{\"a\": {deep}").as_bytes()).is_fatal);
}

#[test]
fn an_object_that_is_no_message_is_refused_with_its_id() {
    let check = |line: &str, id: Option<Id>, text: &str| {
        let found = misunderstood(line.as_bytes());
        assert!(!found.is_fatal, "{line}");
        assert_eq!(found.id, id, "{line}");
        assert!(found.message.contains(text), "{line}: {}", found.message);
    };
    let one = || Some(Id::Number(1.into()));
    check(r#"{"id": 1}"#, one(), "needs \"do\"");
    check(
        r#"{"id": 1, "do": "fly"}"#,
        one(),
        "no message is called \"fly\"",
    );
    check(
        r#"{"id": 1, "do": "rescan"}"#,
        one(),
        "needs \"acquisition\"",
    );
    check(r#"{"id": 1, "do": "open"}"#, one(), "missing field `path`");
    check(r#"{"id": 1, "do": "load_fov"}"#, one(), "needs \"fov\"");
    check(
        r#"{"id": 1, "do": "notify_zarr_frame", "acquisition": "a", "t": 0.5}"#,
        one(),
        "expected i64",
    );
    check(r#"{"id": [1]}"#, None, "expected an id");
    check(r#"{"id": 1, "id": 2}"#, None, "duplicate field");
    let long = "x".repeat(300);
    check(&format!(r#"{{"id": "{long}"}}"#), None, "invalid length");
    check(
        &format!(r#"{{"id": 1, "do": "end_acquisition", "acquisition": "{long}"}}"#),
        one(),
        "too long",
    );
}

#[test]
fn ids_come_back_as_they_were() {
    for id in ["7", "-7", "1.5", "18446744073709551615", "\"a\\nb\""] {
        let line = format!(r#"{{"id": {id}, "do": "status"}}"#);
        let (found, _) = understood(&line);
        assert_eq!(serde_json::to_string(&found).unwrap(), id);
    }
}

/// A value, of a few levels.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let keys = prop_oneof![
            prop::sample::select(vec![
                "id",
                "do",
                "hello",
                "acquisition",
                "t",
                "z",
                "fov",
                "fov_idx",
                "channel",
                "frames",
                "images",
                "path",
                "protocol",
                "token",
                "fovs",
                "channels",
                "shape",
                "timeout_s",
            ])
            .prop_map(str::to_owned),
            ".{0,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(keys, inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every `do` that there is.
const VERBS: [&str; 24] = [
    "start_zarr_acquisition",
    "start_zarr_acquisition_6d",
    "start_acquisition",
    "notify_zarr_frame",
    "notify_zarr_frames",
    "register_image",
    "register_images",
    "register_array",
    "rescan",
    "end_zarr_acquisition",
    "end_acquisition",
    "warn",
    "load_dataset",
    "open",
    "refresh",
    "show_window",
    "load_fov",
    "set_index",
    "set_current_index",
    "go_to_well_fov",
    "notify_written",
    "status",
    "get_fov_list",
    "wait_shown",
];

proptest! {
    #[test]
    fn bytes_of_any_kind_are_no_panic(line in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(parse(&line));
    }

    #[test]
    fn json_of_any_kind_is_no_panic(value in json(), verb in prop::sample::select(&VERBS[..])) {
        drop(parse(value.to_string().as_bytes()));
        let mut message = serde_json::json!({"do": verb, "acquisition": "a"});
        if let (Some(fields), serde_json::Value::Object(more)) = (message.as_object_mut(), value) {
            fields.extend(more.into_iter().filter(|(key, _)| key != "do"));
        }
        let line = message.to_string();
        drop(parse(line.as_bytes()));
        // Cut anywhere.
        for end in 0..line.len() {
            drop(parse(&line.as_bytes()[..end]));
        }
    }
}

#[test]
fn every_message_of_the_document_is_known() {
    let document = include_str!("../../../docs/live-protocol.md");
    let named = VERBS.iter().chain(["subscribe"].iter());
    for verb in named {
        assert!(document.contains(&format!("`{verb}`")), "{verb}");
        let line = format!(r#"{{"do": "{verb}", "acquisition": "a"}}"#);
        if let Err(found) = parse(line.as_bytes()) {
            assert!(!found.message.contains("no message is called"), "{verb}");
        }
    }
}

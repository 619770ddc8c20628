//! Reading files and folders that are not as they should be.

use super::*;

fn folder_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}

#[test]
fn only_plain_relative_paths_are_joined() {
    let base = Path::new("/data/store");
    let good = [
        ("0", "/data/store/0"),
        (".", "/data/store"),
        ("", "/data/store"),
        ("./0", "/data/store/0"),
        ("A/1//0/", "/data/store/A/1/0"),
        ("深い/µ", "/data/store/深い/µ"),
        ("a:b", "/data/store/a:b"),
    ];
    for (relative, expected) in good {
        let joined = join_inside(base, relative).map_err(|error| error.to_string());
        // A colon in second place could be a drive.
        if relative == "a:b" {
            assert!(joined.is_err());
        } else {
            assert_eq!(joined.as_deref(), Ok(Path::new(expected)), "{relative:?}");
        }
    }
    for bad in [
        "..",
        "../x",
        "a/../../x",
        "/etc",
        "//x",
        "C:\\x",
        "a\\b",
        "a\0b",
        "C:x",
    ] {
        let error = join_inside(base, bad).expect_err(bad);
        assert_eq!(error.code(), Code::UnsafePath, "{bad:?}");
    }
}

#[test]
fn a_listing_is_natural_and_leaves_mac_files_out() {
    let folder = folder_with(&[("A10", b""), ("A2", b""), ("._A2", b"")]);
    fs::create_dir(folder.path().join("B1")).expect("a folder");
    let entries = list(folder.path()).expect("a listing");
    let found: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("A2", Kind::File),
            ("A10", Kind::File),
            ("B1", Kind::Folder)
        ]
    );
    let error = list(&folder.path().join("none")).expect_err("absent");
    assert_eq!(error.code(), Code::NotFound);
}

#[test]
fn documents_lose_their_byte_order_mark() {
    let folder = folder_with(&[("a", b"\xef\xbb\xbf{}"), ("b", b"\xb5m"), ("c", b"")]);
    let read = |name: &str| read_document(&folder.path().join(name)).expect("readable");
    assert_eq!(read("a").as_deref(), Some("{}"));
    assert_eq!(read("b").as_deref(), Some("\u{fffd}m"));
    assert_eq!(read("c").as_deref(), Some(""));
    assert_eq!(read("none"), None);
    let error = read_document(folder.path()).expect_err("a folder");
    assert_eq!(error.code(), Code::IoError);
}

#[test]
fn a_document_that_is_being_rewritten_is_waited_for() {
    let folder = folder_with(&[("zarr.json", b"")]);
    let path = folder.path().join("zarr.json");
    let writer = thread::Builder::new()
        .name("writer".into())
        .spawn({
            let path = path.clone();
            move || {
                thread::sleep(Duration::from_millis(30));
                fs::write(path, "{\"a\": 1}")
            }
        })
        .expect("a thread");
    let value = read_json(&path).expect("complete in the end");
    assert_eq!(value, Some(serde_json::json!({"a": 1})));
    writer.join().expect("no panic").expect("written");
}

#[test]
fn a_document_that_is_not_json_is_an_error() {
    let folder = folder_with(&[("cut", b"{\"a\": "), ("odd", b"{a}")]);
    for name in ["cut", "odd"] {
        let error = read_json(&folder.path().join(name)).expect_err(name);
        assert_eq!(error.code(), Code::BadJson);
    }
}

#[test]
fn lines_are_filled_one_after_the_other() {
    let bytes: Vec<u8> = (0..6000_u32).map(|at| (at % 251) as u8).collect();
    let folder = folder_with(&[("lines", &bytes)]);
    let file = open_regular(&folder.path().join("lines"));
    let file = file.expect("readable").expect("there");
    // More lines than one call of the system takes, some of them empty.
    let lengths = || (0..3000).map(|line| line % 4);
    let num_bytes = lengths().sum::<usize>();
    let read = |offset: u64| {
        let mut lines: Vec<Vec<u8>> = lengths().map(|len| vec![0; len]).collect();
        let targets = lines.iter_mut().map(Vec::as_mut_slice);
        file.read_lines(offset, targets).map(|()| lines.concat())
    };
    let last = bytes.len() - num_bytes;
    for offset in [7, last] {
        let found = read(offset as u64).expect("inside");
        assert!(found == bytes[offset..offset + num_bytes]);
    }
    for offset in [last as u64 + 1, u64::MAX] {
        let error = read(offset).expect_err("beyond the end");
        assert_eq!(error.code(), Code::CorruptData, "{error}");
    }
    file.read_lines(3, std::iter::empty()).expect("nothing");
    // Cut off since it was opened.
    fs::write(folder.path().join("lines"), b"less").expect("writable");
    assert_eq!(read(7).expect_err("gone").code(), Code::IoError);
}

#[test]
fn a_range_beyond_the_file_is_refused() {
    let folder = folder_with(&[("chunk", b"0123456789")]);
    let file = open_regular(&folder.path().join("chunk"))
        .expect("readable")
        .expect("there");
    let mut target = [0; 4];
    file.read_range(6, &mut target).expect("inside");
    assert_eq!(&target, b"6789");
    for offset in [7, u64::MAX - 1] {
        let error = file.read_range(offset, &mut target).expect_err("outside");
        assert_eq!(error.code(), Code::CorruptData);
    }
}

#[test]
fn a_folder_of_too_many_entries_is_refused() {
    let folder = folder_with(&[("a", b""), ("b", b""), ("c", b"")]);
    assert_eq!(
        list_at_most(folder.path(), 3).map(|it| it.len()).ok(),
        Some(3)
    );
    let error = list_at_most(folder.path(), 2).expect_err("one too many");
    assert_eq!(error.code(), Code::TooLarge);
    assert_eq!(error.message(), "3 entries where at most 2 are read");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_does_not_hang() {
    let folder = folder_with(&[]);
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let error = open_regular(&path).expect_err("a pipe");
    assert_eq!(error.code(), Code::IoError);
}

#[cfg(unix)]
#[test]
fn samples_behind_a_link_to_nothing_are_an_error_and_not_absent() {
    let folder = folder_with(&[]);
    let link = folder.path().join("0");
    std::os::unix::fs::symlink("gone", &link).expect("a link");
    assert_eq!(
        open_samples(&link).map_err(|error| error.code()).err(),
        Some(Code::IoError)
    );
    assert!(matches!(open_samples(&folder.path().join("1")), Ok(None)));
    assert!(matches!(open_regular(&link), Ok(None)));
}

#[test]
fn a_file_is_the_same_until_it_is_changed_or_replaced() {
    let folder = folder_with(&[("a", b"one"), ("b", b"two")]);
    let (path, other) = (folder.path().join("a"), folder.path().join("b"));
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    let settle = |path: &Path| {
        let file = File::options().write(true).open(path).expect("a file");
        file.set_modified(long_ago).expect("touched");
    };
    let identity = || {
        let file = open_samples(&path).expect("readable").expect("there");
        file.identity()
    };
    assert!(!identity().is_settled());
    settle(&path);
    settle(&other);
    let first = identity();
    assert!(first.is_settled());
    assert_eq!(identity(), first);
    fs::write(&path, b"longer").expect("writable");
    settle(&path);
    assert_ne!(identity(), first);
    fs::write(&path, b"one").expect("writable");
    assert_ne!(identity(), first);
    // On other systems only the times of a file tell it from another one of the same length.
    if cfg!(unix) {
        settle(&path);
        let second = identity();
        assert_eq!(second.stamp(), first.stamp());
        fs::rename(&other, &path).expect("renamed");
        assert_eq!(identity().stamp(), second.stamp());
        assert_ne!(identity(), second);
    }
}

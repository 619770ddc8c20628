//! Array documents of both versions: what is read, what is refused, and that nothing panics.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::metadata::json::arbitrary::any_json;

/// A version 3 document, with `changes` laid over it.
fn v3(changes: &Value) -> Value {
    let document = json!({
        "zarr_format": 3, "node_type": "array", "shape": [2, 4, 1, 64, 96], "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 4, 1, 32, 48]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    });
    with(document, changes)
}

fn v2(changes: &Value) -> Value {
    let document = json!({
        "zarr_format": 2, "shape": [4, 64, 96], "chunks": [1, 32, 48], "dtype": "<u2",
        "compressor": null, "filters": null, "order": "C", "fill_value": 0,
    });
    with(document, changes)
}

fn with(mut document: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().expect("an object") {
        document[key] = value.clone();
    }
    document
}

#[test]
fn a_document_of_version_3_is_read() {
    let names = json!({"dimension_names": ["t", "c", "z", "y", "x"]});
    let found = parse_v3(&v3(&names)).expect("an array");
    let expected = ArrayDocument {
        shape: vec![2, 4, 1, 64, 96],
        sample_type: SampleType::U16,
        chunk_shape: vec![1, 4, 1, 32, 48],
        dimension_names: Some(["t", "c", "z", "y", "x"].map(str::to_owned).to_vec()),
        codecs: "uncompressed".to_owned(),
    };
    assert_eq!(found, expected);
    for names in [
        json!(["t", null, "z", "y", "x"]),
        json!(["y", "x"]),
        json!("tczyx"),
    ] {
        let document = v3(&json!({"dimension_names": names}));
        assert_eq!(parse_v3(&document).expect("an array").dimension_names, None);
    }
}

#[test]
fn codec_chains_are_told_in_words() {
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let transpose = json!({"name": "transpose", "configuration": {"order": [4, 3, 2, 1, 0]}});
    let blosc = |cname: &str, shuffle: &str| json!({"name": "blosc", "configuration": {"cname": cname, "shuffle": shuffle}});
    let shards = |codecs: Value, chunk: Value| json!({"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "codecs": codecs}});
    let check = |codecs: Value, words: &str, chunk: [u64; 5]| {
        let found = parse_v3(&v3(&json!({"codecs": codecs}))).expect("an array");
        assert_eq!(found.codecs, words);
        assert_eq!(found.chunk_shape, chunk, "{words}");
    };
    let whole = [1, 4, 1, 32, 48];
    check(
        json!([transpose, bytes, blosc("lz4", "shuffle")]),
        "blosc lz4, shuffle · transposed",
        whole,
    );
    check(
        json!([bytes, blosc("zstd", "noshuffle"), {"name": "crc32c"}]),
        "blosc zstd · crc32c",
        whole,
    );
    check(json!(["bytes", {"name": "gzip"}]), "gzip", whole);
    check(
        json!([{"name": "bytes", "configuration": {"endian": "big"}}]),
        "uncompressed · big-endian",
        whole,
    );
    let squid = json!([transpose, bytes, blosc("zstd", "bitshuffle")]);
    check(
        json!([shards(squid.clone(), json!([1, 1, 1, 16, 48]))]),
        "blosc zstd, bitshuffle · transposed · sharded 1×4×1×32×48",
        [1, 1, 1, 16, 48],
    );
    // A transpose before the shards turns the order of their inner shape around.
    check(
        json!([transpose, shards(json!([bytes]), json!([48, 16, 1, 2, 1]))]),
        "uncompressed · transposed · sharded 1×4×1×32×48",
        [1, 2, 1, 16, 48],
    );
}

#[test]
fn sample_types_of_version_2_are_read() {
    let check = |dtype: &str, expected: Option<SampleType>| {
        let found = parse_v2(&v2(&json!({"dtype": dtype})));
        assert_eq!(
            found.as_ref().ok().map(|array| array.sample_type),
            expected,
            "{dtype}"
        );
        if let Err(error) = found {
            assert_eq!(error.code, Code::Unsupported, "{dtype}");
        }
    };
    let all = [
        "|b1", "|u1", "<u2", ">u4", "<u8", "|i1", ">i2", "<i4", "<i8", "<f2", ">f4", "<f8",
    ];
    for (dtype, sample_type) in all.into_iter().zip(SampleType::ALL) {
        check(dtype, Some(sample_type));
    }
    for dtype in ["<u3", "|S10", "<M8[ns]", "u2", "|u2", "", "µ", "<c8"] {
        check(dtype, None);
    }
}

#[test]
fn chains_of_version_2_are_told_in_words() {
    let check = |changes: Value, words: &str| {
        let found = parse_v2(&v2(&changes)).expect("an array");
        assert_eq!(found.codecs, words);
    };
    check(json!({}), "uncompressed");
    check(
        json!({"compressor": {"id": "blosc", "cname": "zstd", "shuffle": 2}}),
        "blosc zstd, bitshuffle",
    );
    check(
        json!({"compressor": {"id": "zlib", "level": 1}, "filters": [{"id": "shuffle"}]}),
        "zlib · shuffled",
    );
    check(
        json!({"order": "F", "dtype": ">u2", "filters": []}),
        "uncompressed · transposed · big-endian",
    );
}

#[test]
fn odd_documents_are_refused_with_their_reason() {
    let check = |found: Result<ArrayDocument, ArrayDocumentError>, code: Code, message: &str| {
        let error = found.expect_err(message);
        assert_eq!((error.code, error.message.as_str()), (code, message));
    };
    let check3 = |changes: Value, code, message| check(parse_v3(&v3(&changes)), code, message);
    check3(
        json!({"zarr_format": 4}),
        Code::Unsupported,
        "zarr_format is 4, expected 3",
    );
    check3(
        json!({"node_type": "group"}),
        Code::BadMetadata,
        "node_type is \"group\", expected \"array\"",
    );
    check3(
        json!({"shape": [2, -4]}),
        Code::BadMetadata,
        "shape is a list of 2, expected a list of lengths",
    );
    check3(
        json!({"shape": [2, 0, 1, 4, 4]}),
        Code::Empty,
        "dimension 1 of 2×0×1×4×4 has length 0",
    );
    check3(
        json!({"shape": [4]}),
        Code::Unsupported,
        "the array has 1 dimensions, expected at least 2",
    );
    check3(
        json!({"shape": vec![1; 17]}),
        Code::TooLarge,
        "the array has 17 dimensions, expected at most 16",
    );
    check3(
        json!({"data_type": "complex64"}),
        Code::Unsupported,
        "data_type \"complex64\" is not supported, expected one such as \"uint16\"",
    );
    check3(
        json!({"chunk_grid": {"name": "rectangular"}}),
        Code::Unsupported,
        "chunk grid \"rectangular\" is not supported, expected \"regular\"",
    );
    check3(
        json!({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 0, 1, 1, 1]}}}),
        Code::BadMetadata,
        "chunk shape is 1×0×1×1×1, expected 5 lengths above 0",
    );
    check3(
        json!({"codecs": [{"name": "numcodecs.lz4"}]}),
        Code::Unsupported,
        "codec \"numcodecs.lz4\" is not supported",
    );
    check3(
        json!({"codecs": null}),
        Code::BadMetadata,
        "codecs is null, expected a list",
    );
    check3(
        json!({"codecs": [{"name": "transpose", "configuration": {"order": [0, 0, 1, 2, 3]}}]}),
        Code::BadMetadata,
        "order of transpose is no permutation of 5 dimensions",
    );
    check3(
        json!({"codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 3, 1, 1, 1], "codecs": []}}]}),
        Code::BadMetadata,
        "inner chunks 1×3×1×1×1 do not divide the shard 1×4×1×32×48",
    );
    check(
        parse_v2(&v2(&json!({"compressor": {"id": "lzma"}}))),
        Code::Unsupported,
        "compressor \"lzma\" is not supported",
    );
    check(
        parse_v2(&v2(&json!({"compressor": {"id": "bitround"}}))),
        Code::Unsupported,
        "compressor \"bitround\" is not supported",
    );
    check(
        parse_v2(&v2(&json!({"filters": [{"id": "delta"}]}))),
        Code::Unsupported,
        "filter \"delta\" is not supported",
    );
}

#[test]
fn budgets_are_checked_before_anything_is_allocated() {
    let check = |changes: Value| {
        let code = parse_v3(&v3(&changes)).expect_err("too large").code;
        assert_eq!(code, Code::TooLarge, "{changes}");
    };
    let huge = 1_u64 << 40;
    let grid =
        |chunk: [u64; 5]| json!({"name": "regular", "configuration": {"chunk_shape": chunk}});
    check(json!({"shape": [huge, huge, 1, 1, 1]}));
    check(json!({"chunk_grid": grid([huge; 5])}));
    check(json!({"chunk_grid": grid([1, 1, 1, 1 << 15, 1 << 15])}));
    check(json!({"chunk_grid": grid([1, 1, 1, 1 << 14, 1 << 15]), "data_type": "uint64"}));
    check(json!({
        "chunk_grid": grid([1, 1, 1, 1 << 12, 1 << 12]),
        "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1, 1, 1], "codecs": ["bytes"]}}],
    }));
}

#[test]
fn shards_nested_without_end_are_refused() {
    let mut codecs = json!(["bytes"]);
    for _ in 0..60 {
        codecs = json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1, 1, 1], "codecs": codecs}}]);
    }
    let error = parse_v3(&v3(&json!({"codecs": codecs}))).expect_err("too deep");
    assert_eq!(error.code, Code::Unsupported);
}

proptest! {
    #[test]
    fn arbitrary_documents_never_panic(
        key in prop::sample::select(vec!["shape", "chunks", "dtype", "data_type", "chunk_grid", "codecs", "compressor", "filters", "dimension_names"]),
        value in any_json(&["name", "configuration", "chunk_shape", "codecs", "order", "id", "cname", "regular", "transpose", "sharding_indexed", "blosc"]),
    ) {
        for document in [v3(&json!({key: value})), v2(&json!({key: value})), value] {
            parse_v3(&document).ok();
            parse_v2(&document).ok();
        }
    }
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    let code = |extension: Value| {
        let document = v3(&json!({ "extension": extension }));
        parse_v3(&document).err().map(|error| error.code)
    };
    assert_eq!(
        code(json!({"must_understand": true})),
        Some(Code::Unsupported)
    );
    for passed_over in [json!({"must_understand": false}), json!({}), json!(7)] {
        assert_eq!(code(passed_over), None);
    }
    let attributes = json!({"attributes": {"must_understand": true}});
    assert!(parse_v3(&v3(&attributes)).is_ok());
}

//! An array document as `zarrs` takes it: what it spells differently, and what decoding leaves as it is.
//!
//! Knowledge: numcodecs 0.16 (`bitround.py`, `checksum32.py`) and `zarr.codecs.numcodecs` of
//! zarr-python 3.1.

use serde_json::Value;

/// Shards in shards that are followed; deeper ones are refused.
const DEPTH: usize = 3;

/// The copy of a document that `zarrs` gets.
pub(super) fn for_zarrs(document: &Value) -> Value {
    let mut copy = document.clone();
    if let Some(filters) = copy.get_mut("filters").and_then(Value::as_array_mut) {
        filters.retain(|filter| !is_id(filter, "bitround"));
        if filters.is_empty() {
            copy["filters"] = Value::Null;
        }
    }
    spell_codecs(&mut copy, 0);
    copy
}

fn spell_codecs(holder: &mut Value, depth: usize) {
    let Some(codecs) = holder.get_mut("codecs").and_then(Value::as_array_mut) else {
        return;
    };
    codecs.retain(|codec| !is_rounding(codec));
    for codec in codecs {
        if codec.get("name").and_then(Value::as_str) == Some("numcodecs.crc32c") {
            *codec = serde_json::json!({"name": "crc32c"});
        }
        if depth < DEPTH
            && let Some(configuration) = codec.get_mut("configuration")
        {
            spell_codecs(configuration, depth + 1);
        }
    }
}

/// True for `bitround`, whose decoded samples are the encoded ones.
pub(super) fn is_rounding(codec: &Value) -> bool {
    let name = codec.as_str().or_else(|| codec.get("name")?.as_str());
    matches!(name, Some("bitround" | "numcodecs.bitround"))
}

/// The same of version 2.
pub(super) fn is_id(filter: &Value, id: &str) -> bool {
    filter.get("id").and_then(Value::as_str) == Some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rounding_is_left_out_and_a_checksum_respelled() {
        let document = json!({"filters": [{"id": "bitround", "keepbits": 5}, {"id": "shuffle"}]});
        assert_eq!(
            for_zarrs(&document),
            json!({"filters": [{"id": "shuffle"}]})
        );
        let document = json!({"filters": [{"id": "bitround"}], "compressor": null});
        assert_eq!(
            for_zarrs(&document),
            json!({"filters": null, "compressor": null})
        );
        let shards = |inner: Value| json!({"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": inner}}]});
        let found = for_zarrs(&shards(
            json!(["bytes", {"name": "numcodecs.crc32c"}, "numcodecs.bitround"]),
        ));
        assert_eq!(found, shards(json!(["bytes", {"name": "crc32c"}])));
    }
}

//! A line of the live protocol to a typed message (`docs/live-protocol.md`).
//!
//! Pure: no I/O, no recursion, no allocation that is not a small multiple of the line. A line is parsed twice, first for
//! what every message has, then for the fields of its `do`: serde's tagged enums would keep each line as a tree of values
//! in between, many times its size.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::messages::{
    ArrayNotice, Frame, Frames, Go, Image, Images, Rescan, StartPerFov, StartPerRegion,
    StartRegistered, WaitShown, Warn, WellFov, Written, WrittenPath,
};

/// The version that this program speaks.
pub(super) const PROTOCOL: i64 = 1;
/// Bytes of the longest id that comes back with a reply.
const MAX_ID_BYTES: usize = 256;
/// Bytes of the longest name of an acquisition.
const MAX_NAME_BYTES: usize = 256;

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadMessage,
    BadToken,
    UnsupportedProtocol,
    TooManyClients,
    LineTooLong,
    Invalid,
    OutOfRange,
    UnknownChannel,
    NotStarted,
    NotOpen,
    Timeout,
    NotTaken,
}

impl Code {
    /// The spelling on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::BadMessage => "bad_message",
            Self::BadToken => "bad_token",
            Self::UnsupportedProtocol => "unsupported_protocol",
            Self::TooManyClients => "too_many_clients",
            Self::LineTooLong => "line_too_long",
            Self::Invalid => "invalid",
            Self::OutOfRange => "out_of_range",
            Self::UnknownChannel => "unknown_channel",
            Self::NotStarted => "not_started",
            Self::NotOpen => "not_open",
            Self::Timeout => "timeout",
            Self::NotTaken => "not_taken",
        }
    }
}

/// A text of the line, borrowed where it has no escapes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// What a client calls its message: comes back as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Id {
    Number(serde_json::Number),
    Text(String),
}

/// First message of a client.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hello<'a> {
    pub(super) protocol: i64,
    #[serde(borrow, default)]
    pub(super) token: Text<'a>,
    #[serde(borrow, default)]
    pub(super) client: Option<Text<'a>>,
}

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Request<'a> {
    StartPerFov(Text<'a>, StartPerFov),
    StartPerRegion(Text<'a>, StartPerRegion),
    StartRegistered(Text<'a>, StartRegistered),
    Frame(Text<'a>, Frame<'a>),
    Frames(Text<'a>, Frames<'a>),
    Image(Text<'a>, Image<'a>),
    Images(Text<'a>, Images<'a>),
    Array(Text<'a>, ArrayNotice<'a>),
    Rescan(Text<'a>, Rescan),
    End(Text<'a>),
    Warn(Warn),
    Open(WrittenPath),
    Refresh,
    ShowWindow,
    LoadFov(Go),
    SetIndex(Go),
    SetCurrentIndex(Dimension<'a>),
    GoToWellFov(WellFov<'a>),
    Written(Written<'a>),
    Status,
    FovList,
    Subscribe,
    WaitShown(WaitShown<'a>),
}

/// `set_current_index`.
#[derive(Debug, Deserialize)]
pub(super) struct Dimension<'a> {
    #[serde(borrow)]
    pub(super) dim: Text<'a>,
    pub(super) value: i64,
}

/// One line.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Hello(Hello<'a>),
    Request(Option<Id>, Request<'a>),
}

/// A line that is no message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Misunderstood {
    /// Id of the message, where as much could be read.
    pub(super) id: Option<Id>,
    /// What was found and what was expected.
    pub(super) message: String,
    /// It is not a JSON object: where the next message begins is a guess, so the connection ends.
    pub(super) is_fatal: bool,
}

/// What every message has.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: Option<Id>,
    #[serde(borrow, default, rename = "do")]
    verb: Option<Text<'a>>,
    #[serde(borrow, default)]
    hello: Option<Hello<'a>>,
    #[serde(borrow, default)]
    acquisition: Option<Text<'a>>,
}

/// Parses a line without its end.
pub(super) fn parse(line: &[u8]) -> Result<Message<'_>, Misunderstood> {
    let not_an_object = |message: String| Misunderstood {
        id: None,
        message,
        is_fatal: true,
    };
    let text =
        std::str::from_utf8(line).map_err(|error| not_an_object(format!("not UTF-8: {error}")))?;
    // serde takes a list for a struct.
    if !text.trim_start().starts_with('{') {
        return Err(not_an_object("not a JSON object".into()));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| Misunderstood {
        id: None,
        message: error.to_string(),
        is_fatal: !error.is_data(),
    })?;
    if let Some(hello) = envelope.hello {
        return Ok(Message::Hello(hello));
    }
    let id = envelope.id;
    let request = match envelope.verb {
        None => Err("a message needs \"do\"".to_owned()),
        Some(verb) => request(&verb.0, envelope.acquisition, text),
    };
    match request {
        Ok(request) => Ok(Message::Request(id, request)),
        Err(message) => Err(Misunderstood {
            id,
            message,
            is_fatal: false,
        }),
    }
}

fn request<'a>(
    verb: &str,
    acquisition: Option<Text<'a>>,
    text: &'a str,
) -> Result<Request<'a>, String> {
    let name = || match acquisition {
        None => Err(format!("{verb} needs \"acquisition\"")),
        Some(name) if name.0.len() > MAX_NAME_BYTES => {
            Err("the name of an acquisition is too long, expected up to 256 bytes".into())
        }
        Some(name) => Ok(name),
    };
    Ok(match verb {
        "start_zarr_acquisition" => Request::StartPerFov(name()?, fields(text)?),
        "start_zarr_acquisition_6d" => Request::StartPerRegion(name()?, fields(text)?),
        "start_acquisition" => Request::StartRegistered(name()?, fields(text)?),
        "notify_zarr_frame" => Request::Frame(name()?, fields(text)?),
        "notify_zarr_frames" => Request::Frames(name()?, fields(text)?),
        "register_image" => Request::Image(name()?, fields(text)?),
        "register_images" => Request::Images(name()?, fields(text)?),
        "register_array" => Request::Array(name()?, fields(text)?),
        "rescan" => Request::Rescan(name()?, fields(text)?),
        "end_zarr_acquisition" | "end_acquisition" => Request::End(name()?),
        "warn" => Request::Warn(fields(text)?),
        "load_dataset" | "open" => Request::Open(fields(text)?),
        "refresh" => Request::Refresh,
        "show_window" => Request::ShowWindow,
        "load_fov" => match fields::<Go>(text)? {
            Go { fov: None, .. } => return Err("load_fov needs \"fov\"".into()),
            go => Request::LoadFov(go),
        },
        "set_index" => Request::SetIndex(fields(text)?),
        "set_current_index" => Request::SetCurrentIndex(fields(text)?),
        "go_to_well_fov" => Request::GoToWellFov(fields(text)?),
        "notify_written" => Request::Written(fields(text)?),
        "status" => Request::Status,
        "get_fov_list" => Request::FovList,
        "subscribe" => Request::Subscribe,
        "wait_shown" => Request::WaitShown(fields(text)?),
        _ => {
            let shown: String = verb.chars().take(40).collect();
            return Err(format!("no message is called {shown:?}"));
        }
    })
}

fn fields<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand: an untagged enum would first keep a tree of whatever stands there.
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an id, a number or a string of up to 256 bytes")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
        Ok(Id::Number(number.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
        Ok(Id::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Id, E> {
        let number = serde_json::Number::from_f64(number);
        number
            .map(Id::Number)
            .ok_or_else(|| E::custom("an id that is not finite"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        if text.len() > MAX_ID_BYTES {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(Id::Text(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;

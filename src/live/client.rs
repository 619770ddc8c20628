//! A small blocking client of the live protocol: for `simulate --push`, `--reuse` and programs in Rust.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    net::{TcpStream, ToSocketAddrs},
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    Instance, InstanceError, InstanceFolder,
    lines::{Lines, NoLine},
    protocol::PROTOCOL,
};

/// A window that runs answers within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A reply comes within this time, or something is wrong.
const REPLY_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of the longest reply: the list of a million FOVs fits.
const MAX_LINE_BYTES: usize = 256 << 20;
/// Refusals of messages that asked for no reply, kept up to here, the oldest go first.
const MAX_REFUSALS: usize = 256;

/// A client cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No window listens.
    #[error("no squidview window listens: {}", folder.display())]
    NoInstance {
        /// Where instance files were looked for.
        folder: PathBuf,
    },
    /// No window of this user listens there.
    #[error("no squidview window of this user listens at {address}")]
    NoSuchInstance {
        /// The address that was asked for.
        address: String,
    },
    /// The folder of instance files cannot be used.
    #[error(transparent)]
    Folder(#[from] InstanceError),
    /// The connection failed.
    #[error("the connection to the viewer failed: {0}")]
    Io(#[from] io::Error),
    /// The viewer closed the connection.
    #[error("the viewer closed the connection")]
    Ended,
    /// The viewer did not do what was asked for.
    #[error("{code}: {message}")]
    Refused {
        /// What went wrong, for programs.
        code: String,
        /// The same in words.
        message: String,
    },
    /// What answers is no squidview window.
    #[error("what answers speaks another protocol: {found}")]
    Unexpected {
        /// What it said.
        found: String,
    },
}

/// A connection to a window.
pub struct Client {
    lines: Lines<TcpStream>,
    next_id: u64,
    refusals: VecDeque<String>,
}

impl Client {
    /// Connects to the newest window of the folder that answers; `name` says who calls.
    ///
    /// # Errors
    /// When there is none.
    pub fn newest(folder: &InstanceFolder, name: &str) -> Result<Self, ClientError> {
        for instance in folder.list()? {
            match Self::to(&instance, name) {
                Ok(client) => return Ok(client),
                // Left over from a crash, or closing.
                Err(error) => tracing::debug!("{}: {error}", instance.address),
            }
        }
        Err(ClientError::NoInstance {
            folder: folder.path().to_owned(),
        })
    }

    /// Connects to the window of the folder that listens at `HOST:PORT`.
    ///
    /// # Errors
    /// When there is no file of such a window, or it does not answer.
    pub fn at(folder: &InstanceFolder, address: &str, name: &str) -> Result<Self, ClientError> {
        let wished: Vec<_> = address.to_socket_addrs()?.collect();
        let instances = folder.list()?;
        let found = instances
            .iter()
            .find(|instance| wished.contains(&instance.address));
        let found = found.ok_or_else(|| ClientError::NoSuchInstance {
            address: address.to_owned(),
        })?;
        Self::to(found, name)
    }

    /// Connects to a window and says hello.
    ///
    /// # Errors
    /// When it does not answer, or not as a window does.
    pub fn to(instance: &Instance, name: &str) -> Result<Self, ClientError> {
        let stream = TcpStream::connect_timeout(&instance.address, CONNECT_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(REPLY_WITHIN))?;
        let mut client = Self {
            lines: Lines::new(stream),
            next_id: 0,
            refusals: VecDeque::new(),
        };
        let hello = json!({"protocol": PROTOCOL, "token": instance.token, "client": name});
        client.write(&json!({ "hello": hello }))?;
        let answer = client.read(Instant::now() + CONNECT_WITHIN)?;
        if let Some(error) = answer.get("error") {
            return Err(refused(error));
        }
        if answer.pointer("/hello/protocol") != Some(&json!(PROTOCOL)) {
            return Err(unexpected(&answer));
        }
        Ok(client)
    }

    /// Sends a message and waits for its reply, which it gives: `request("open", json!({"path": …}))`.
    ///
    /// # Errors
    /// When it was refused, or the connection failed.
    pub fn request(&mut self, verb: &str, with: Value) -> Result<Value, ClientError> {
        self.request_within(verb, with, REPLY_WITHIN)
    }

    /// The same, for messages whose reply may take longer (`wait_shown`).
    ///
    /// # Errors
    /// When it was refused, or the connection failed.
    pub fn request_within(
        &mut self,
        verb: &str,
        with: Value,
        within: Duration,
    ) -> Result<Value, ClientError> {
        self.next_id += 1;
        let id = json!(self.next_id);
        let deadline = Instant::now() + within;
        self.write(&message(verb, with, Some(id.clone())))?;
        loop {
            let mut answer = self.read(deadline)?;
            if answer.get("id") == Some(&id) {
                if let Some(ok) = answer.get_mut("ok") {
                    return Ok(ok.take());
                }
                let error = answer.get("error");
                return Err(error.map_or_else(|| unexpected(&answer), refused));
            }
            // Events, and late replies to requests that ran out of time, are for nobody.
            if let (Some(Value::Null), Some(error)) = (answer.get("id"), answer.get("error")) {
                if self.refusals.len() >= MAX_REFUSALS {
                    self.refusals.pop_front();
                }
                self.refusals.push_back(refused(error).to_string());
            }
        }
    }

    /// Sends a message and asks for no reply. Waits only where the viewer reads nothing.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn send(&mut self, verb: &str, with: Value) -> Result<(), ClientError> {
        self.write(&message(verb, with, None))
    }

    /// What the viewer refused of what was sent without asking for a reply, as far as it was read: replies are read while
    /// a request waits.
    pub fn take_refusals(&mut self) -> Vec<String> {
        self.refusals.drain(..).collect()
    }

    fn write(&mut self, message: &Value) -> Result<(), ClientError> {
        let mut stream: &TcpStream = self.lines.stream();
        stream.write_all(format!("{message}\n").as_bytes())?;
        Ok(())
    }

    fn read(&mut self, deadline: Instant) -> Result<Value, ClientError> {
        let line = self.lines.next(MAX_LINE_BYTES, |stream| {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))
        });
        let line = line.map_err(|no_line| match no_line {
            NoLine::Ended => ClientError::Ended,
            NoLine::TooLong => ClientError::Unexpected {
                found: "a line without end".into(),
            },
            NoLine::Failed(error) => ClientError::Io(error),
        })?;
        serde_json::from_slice(line).map_err(|_| ClientError::Unexpected {
            found: cut(&String::from_utf8_lossy(line)),
        })
    }
}

fn message(verb: &str, with: Value, id: Option<Value>) -> Value {
    let mut fields = Map::new();
    if let Some(id) = id {
        fields.insert("id".into(), id);
    }
    fields.insert("do".into(), verb.into());
    if let Value::Object(with) = with {
        fields.extend(with);
    }
    Value::Object(fields)
}

fn refused(error: &Value) -> ClientError {
    let text = |key| error.get(key).and_then(Value::as_str).unwrap_or_default();
    ClientError::Refused {
        code: text("code").to_owned(),
        message: text("message").to_owned(),
    }
}

fn unexpected(answer: &Value) -> ClientError {
    ClientError::Unexpected {
        found: cut(&answer.to_string()),
    }
}

fn cut(found: &str) -> String {
    found.chars().take(80).collect()
}

//! One client of the socket, from its hello to its end: one thread reads and carries out, one writes.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use super::{
    PushHandle,
    answers::{self, Facts, Refusal},
    clerk::Clerk,
    lines::{Lines, NoLine},
    outbox::Outbox,
    protocol::{self, Code, Hello, Message, PROTOCOL},
};

/// Bytes of a line before the hello: whoever has no token makes us keep nothing.
const HELLO_BYTES: usize = 4096;
/// Bytes of a line after it: a plane of 4096 x 4096 u16 samples in base64 fits.
const LINE_BYTES: usize = 64 << 20;
/// A hello comes within this time.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// What a refused client still sends is read for this long and up to this many bytes: closing a socket with unread bytes
/// takes back the error that was just written.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);
const DRAIN_BYTES: usize = 1 << 18;

/// Serves a client until it or the window goes. Blocks.
pub(super) fn serve(stream: &TcpStream, token: &str, handle: &PushHandle, facts: &Facts) {
    let mut lines = Lines::new(stream);
    match greet(&mut lines, token) {
        Ok(()) => converse(&mut lines, handle, facts),
        Err(Some(refusal)) => {
            // The error is for the client; where it is gone, nobody needs to know.
            let mut out = stream;
            if let Err(error) = out.write_all(refusal.line(None).as_bytes()) {
                tracing::debug!("a refused client was gone: {error}");
            }
        }
        Err(None) => {}
    }
    drain(stream);
}

/// Takes the hello and answers it; `None`: the client went away.
fn greet(lines: &mut Lines<&TcpStream>, token: &str) -> Result<(), Option<Refusal>> {
    let deadline = Instant::now() + HELLO_WITHIN;
    let line = lines.next(HELLO_BYTES, |stream| {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))
    });
    let line = line.map_err(|no_line| match no_line {
        NoLine::Ended => None,
        NoLine::TooLong => Some(too_long(HELLO_BYTES)),
        NoLine::Failed(error) => is_timeout(&error).then(|| {
            let message = format!("no hello within {} s", HELLO_WITHIN.as_secs());
            Refusal::new(Code::BadMessage, message)
        }),
    })?;
    match protocol::parse(line) {
        Ok(Message::Hello(hello)) => check(&hello, token).map_err(Some)?,
        Ok(Message::Request(..)) => {
            let message = "the first message is no hello";
            return Err(Some(Refusal::new(Code::BadMessage, message)));
        }
        Err(misunderstood) => return Err(Some((&misunderstood).into())),
    }
    let mut stream = *lines.stream();
    let greeted = stream
        .set_read_timeout(None)
        .and_then(|()| stream.write_all(answers::hello().as_bytes()));
    greeted.map_err(|error| {
        tracing::debug!("a client was gone after its hello: {error}");
        None
    })
}

fn check(hello: &Hello<'_>, token: &str) -> Result<(), Refusal> {
    if hello.protocol != PROTOCOL {
        let message = format!("protocol {}, expected {PROTOCOL}", hello.protocol);
        return Err(Refusal::new(Code::UnsupportedProtocol, message));
    }
    if !is_same(hello.token.0.as_bytes(), token.as_bytes()) {
        let message = "not the token of this window, it stands in its instance file";
        return Err(Refusal::new(Code::BadToken, message));
    }
    let name = hello.client.as_ref().map_or("", |name| &name.0);
    let name: String = name.chars().take(80).collect();
    tracing::debug!("client {name:?} is connected");
    Ok(())
}

/// Compares in a time that does not tell how many bytes are right; the length is no secret.
fn is_same(found: &[u8], expected: &[u8]) -> bool {
    let pairs = found.iter().zip(expected);
    let differences = pairs.fold(0, |all, (a, b)| all | (a ^ b));
    found.len() == expected.len() && std::hint::black_box(differences) == 0
}

/// Carries out what the client asks for, until its end.
fn converse(lines: &mut Lines<&TcpStream>, handle: &PushHandle, facts: &Facts) {
    let stream = *lines.stream();
    let outbox = Arc::new(Outbox::new());
    let listener: Weak<Outbox> = Arc::downgrade(&outbox);
    handle.listen(listener);
    thread::scope(|scope| {
        let writer = thread::Builder::new()
            .name("squidview-client-out".into())
            .spawn_scoped(scope, || outbox.send(stream, handle, facts));
        match writer {
            Ok(_) => {
                let _finish = Finish(&outbox);
                read(lines, Clerk::new(handle.clone(), facts, &outbox), &outbox);
            }
            Err(error) => tracing::warn!("a client cannot be answered: {error}"),
        }
    });
}

/// Ends the writing thread also where the reading one panics: it would be waited for without end.
struct Finish<'a>(&'a Outbox);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

fn read(lines: &mut Lines<&TcpStream>, mut clerk: Clerk<'_>, outbox: &Outbox) {
    while take_line(lines, &mut clerk, outbox) {}
}

/// Carries out the next line; false where the connection is at its end.
pub(super) fn take_line(
    lines: &mut Lines<impl io::Read>,
    clerk: &mut Clerk<'_>,
    outbox: &Outbox,
) -> bool {
    match lines.next(LINE_BYTES, |_| Ok(())) {
        Ok(line) => match protocol::parse(line) {
            Ok(Message::Request(id, request)) => clerk.take(id.as_ref(), request),
            Ok(Message::Hello(_)) => {
                let message = "hello was said before";
                outbox.put(Refusal::new(Code::BadMessage, message).line(None))
            }
            Err(misunderstood) => {
                let refusal = Refusal::from(&misunderstood);
                outbox.put(refusal.line(misunderstood.id.as_ref())) && !misunderstood.is_fatal
            }
        },
        Err(NoLine::TooLong) => {
            outbox.put(too_long(LINE_BYTES).line(None));
            false
        }
        Err(NoLine::Ended) => false,
        Err(NoLine::Failed(error)) => {
            tracing::debug!("a client is gone: {error}");
            false
        }
    }
}

fn too_long(limit: usize) -> Refusal {
    let message = format!("a line is longer than {limit} bytes");
    Refusal::new(Code::LineTooLong, message)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// Ends the sending half and takes what the client has sent, within bounds, so that it can read why it is let go.
fn drain(mut stream: &TcpStream) {
    let deadline = Instant::now() + DRAIN_WITHIN;
    let (mut num_bytes, mut waste) = (0, [0; 8192]);
    // A client that is gone needs nothing.
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    while num_bytes < DRAIN_BYTES {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut waste) {
            Ok(0) | Err(_) => return,
            Ok(length) => num_bytes += length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_right_only_as_a_whole() {
        assert!(is_same(b"abc", b"abc"));
        for wrong in ["", "ab", "abd", "abcd", "Abc"] {
            assert!(!is_same(wrong.as_bytes(), b"abc"), "{wrong}");
        }
    }
}

//! What the bytes of a client bring about, without a socket and a window: fuzzing and its replay speak through it.
//!
//! Lines, messages and clerk are those of a connection. Left out are the hello with its token, and the thread that
//! writes: what waits for a picture is never answered here.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    AcquisitionId, Audience, Live, LiveEvent, answers::Facts, clerk::Clerk, connection::take_line,
    lines::Lines, outbox::Outbox,
};
use crate::dataset::PlaneAt;

/// The live thread merges what it was sent within this time.
const NEWS_WITHIN: Duration = Duration::from_secs(5);

/// What a conversation brought about.
#[derive(Debug, Default)]
pub struct Rehearsed {
    /// The replies, each a line of JSON, in order.
    pub answers: Vec<String>,
    /// What a window would take, in order.
    pub events: Vec<LiveEvent>,
}

/// Nobody draws.
struct Nobody;

impl Audience for Nobody {
    fn wake(&self) {}

    fn anticipate(&self, _id: AcquisitionId, _at: PlaneAt) -> bool {
        false
    }
}

/// Carries out what a client sends after its hello, with a live thread of its own. Touches no file.
///
/// # Errors
/// When the system refuses another thread, or the live thread does not come to an end with what it was sent.
pub fn rehearse(sent: &[u8]) -> io::Result<Rehearsed> {
    let live = Live::start(Arc::new(Nobody))?;
    let (facts, outbox) = (Facts::default(), Outbox::new());
    let mut clerk = Clerk::new(live.handle(), &facts, &outbox);
    let mut lines = Lines::new(sent);
    let mut rehearsed = Rehearsed::default();
    loop {
        let is_open = take_line(&mut lines, &mut clerk, &outbox);
        // After each line: a full outbox waits for somebody who writes.
        rehearsed.answers.extend(outbox.take_replies());
        if !is_open {
            break;
        }
    }
    // What was sent before a fence has reached the news when the fence has.
    let fence = live.handle().fence().ok_or(io::ErrorKind::TimedOut)?;
    let deadline = Instant::now() + NEWS_WITHIN;
    while Instant::now() < deadline {
        let news = live.take();
        rehearsed.events.extend(news.events);
        if news.fence >= fence {
            return Ok(rehearsed);
        }
        thread::yield_now();
    }
    Err(io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_answered_line_by_line_and_ends_at_what_is_no_message() {
        let sent = b"{\"id\":1,\"do\":\"refresh\"}\n{\"id\":2,\"do\":\"dance\"}\nrubbish\n{\"id\":3,\"do\":\"status\"}\n";
        let rehearsed = rehearse(sent).unwrap();
        let [done, unknown, rubbish] = &rehearsed.answers[..] else {
            panic!("{rehearsed:?}");
        };
        assert_eq!(done, "{\"id\":1,\"ok\":{}}\n");
        assert!(unknown.contains("bad_message"), "{unknown}");
        assert!(rubbish.contains("\"id\":null"), "{rubbish}");
        assert!(matches!(rehearsed.events[..], [LiveEvent::Refresh]));
    }
}

//! The socket that other processes push to: who may connect, and the threads that serve them.
//!
//! One thread accepts. A client that has said hello has two threads, of at most [`MAX_CLIENTS`]; one that has not is
//! counted too, and has a few seconds. `docs/security.md` says what that keeps out.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    Instance, InstanceError, InstanceFolder, Live, PushHandle,
    answers::{Facts, Refusal},
    connection,
    instance::InstanceFile,
    protocol::Code,
};

/// The port that is tried first.
const PORT: u16 = 47_816;
/// Clients at a time.
const MAX_CLIENTS: usize = 64;
/// A client that takes nothing for this long while something waits for it is let go.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// A client that is one too many gets its error within this time, or not.
const REFUSE_WITHIN: Duration = Duration::from_millis(50);
/// Refused connections that stay open until others come, so that their error can be read.
const MAX_REFUSED: usize = 16;
/// The system refuses to accept (too many open files): try again after this time.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The accepting thread is woken within this time, or left behind.
const WAKE_WITHIN: Duration = Duration::from_millis(500);

/// Where a window listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    #[default]
    Off,
    /// On the loopback interface: the documented port, or any free one where that is taken.
    Loopback,
    /// At this `HOST:PORT`, which may be reachable from elsewhere; port 0: any free one.
    At(String),
}

/// The window cannot be pushed to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The system refuses the address.
    #[error("cannot listen at {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// No client could find the window.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The system refuses another thread.
    #[error("cannot listen: {0}")]
    Thread(io::Error),
}

/// Listens until it drops.
pub struct Server {
    // Field order is shutdown order: nobody is to find the window while its clients are let go.
    file: Option<InstanceFile>,
    instance: Instance,
    desk: Arc<Desk>,
    accepting: Option<JoinHandle<()>>,
}

/// What the accepting thread and those of the clients share.
struct Desk {
    /// Never used itself: each client has one of its own.
    root: PushHandle,
    token: String,
    facts: Facts,
    peers: Mutex<HashMap<u64, Peer>>,
    is_stopped: AtomicBool,
}

/// A connected client.
struct Peer {
    stream: Arc<TcpStream>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Listens, and leaves address and token in `folder`. Touches the file system; a host name is looked up, which may
    /// take its time. `None`: [`Listen::Off`].
    ///
    /// # Errors
    /// When the address is refused, the folder is not ours or not writable, or there is no further thread.
    pub fn start(
        live: &Live,
        listen: &Listen,
        folder: &InstanceFolder,
    ) -> Result<Option<Self>, ServerError> {
        let listener = match listen {
            Listen::Off => return Ok(None),
            Listen::Loopback => bind_loopback()?,
            Listen::At(address) => bind(address)?,
        };
        let address = listener.local_addr().map_err(|source| ServerError::Bind {
            address: "its address".into(),
            source,
        })?;
        let instance = Instance::new(connectable(address))?;
        let desk = Arc::new(Desk {
            root: live.handle(),
            token: instance.token.clone(),
            facts: Facts::default(),
            peers: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&desk);
        let accepting = thread::Builder::new()
            .name("squidview-listener".into())
            .spawn(move || theirs.accept(&listener))
            .map_err(ServerError::Thread)?;
        let mut server = Self {
            file: None,
            instance,
            desk,
            accepting: Some(accepting),
        };
        folder.sweep(&server.instance);
        // Last: who finds the file finds somebody who listens.
        server.file = Some(folder.publish(&server.instance)?);
        Ok(Some(server))
    }

    /// Where clients of this machine connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.instance.address
    }

    /// What stands in the instance file.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Clients that are connected, those that have not said hello yet included.
    #[must_use]
    pub fn num_clients(&self) -> usize {
        self.desk.peers.lock().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.file = None;
        self.desk.is_stopped.store(true, Ordering::SeqCst);
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        // There is no other way out of `accept` on every system.
        match TcpStream::connect_timeout(&self.instance.address, WAKE_WITHIN) {
            Ok(_) => join(accepting),
            Err(error) => tracing::warn!("the listener is left behind: {error}"),
        }
        let peers: Vec<Peer> = self
            .desk
            .peers
            .lock()
            .drain()
            .map(|(_, peer)| peer)
            .collect();
        for peer in &peers {
            // Gone already is as good.
            if let Err(error) = peer.stream.shutdown(Shutdown::Both) {
                tracing::debug!("a client was gone: {error}");
            }
        }
        for peer in peers {
            join(peer.thread);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the socket panicked");
    }
}

fn bind(address: &str) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).map_err(|source| ServerError::Bind {
        address: address.to_owned(),
        source,
    })
}

fn bind_loopback() -> Result<TcpListener, ServerError> {
    let at = |port| bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string());
    at(PORT).or_else(|taken| {
        tracing::debug!("{taken}; a free port is taken instead");
        at(0)
    })
}

/// Every interface is no address that one can connect to.
fn connectable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

impl Desk {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut refused = VecDeque::new();
        for id in 0_u64.. {
            let accepted = listener.accept();
            if self.is_stopped.load(Ordering::SeqCst) {
                return;
            }
            match accepted {
                Ok((stream, _)) => {
                    if let Err(stream) = self.admit(id, stream) {
                        if refused.len() >= MAX_REFUSED {
                            refused.pop_front();
                        }
                        refused.push_back(refuse(&stream).map(|()| stream));
                    }
                }
                Err(error) => {
                    tracing::debug!("a client could not connect: {error}");
                    thread::park_timeout(RETRY_AFTER);
                }
            }
        }
    }

    /// Gives a client its thread; the stream back where there are too many.
    fn admit(self: &Arc<Self>, id: u64, stream: TcpStream) -> Result<(), Arc<TcpStream>> {
        let stream = Arc::new(stream);
        // Held until the client is in the map, so that its end finds it there.
        let mut peers = self.peers.lock();
        if peers.len() >= MAX_CLIENTS {
            return Err(stream);
        }
        let (desk, theirs) = (Arc::clone(self), Arc::clone(&stream));
        let spawned = thread::Builder::new()
            .name("squidview-client".into())
            .spawn(move || {
                let _leave = Leave(&desk, id);
                desk.serve(&theirs);
            });
        match spawned {
            Ok(thread) => {
                peers.insert(id, Peer { stream, thread });
                Ok(())
            }
            Err(error) => {
                tracing::warn!("a client could not be served: {error}");
                Err(stream)
            }
        }
    }

    fn serve(&self, stream: &TcpStream) {
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_write_timeout(Some(WRITE_WITHIN)));
        match prepared {
            Ok(()) => {
                let handle = self.root.other_client();
                connection::serve(stream, &self.token, &handle, &self.facts);
            }
            Err(error) => tracing::debug!("a client was gone: {error}"),
        }
    }
}

/// Gives a client's place to another one, also where its thread panics.
struct Leave<'a>(&'a Desk, u64);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.peers.lock().remove(&self.1);
    }
}

/// Says that there are too many clients; never waits for long.
fn refuse(mut stream: &TcpStream) -> io::Result<()> {
    let message = format!("{MAX_CLIENTS} clients are connected already");
    let line = Refusal::new(Code::TooManyClients, message).line(None);
    stream.set_write_timeout(Some(REFUSE_WITHIN))?;
    stream.write_all(line.as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

//! A window without a window: the real hub and the real socket, with an interface that does what a test says.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    dataset::{Dataset, PlaneAt},
    live::{
        AcquisitionId, Audience, Client, InstanceFolder, Listen, Live, LiveEvent, News, Server,
        Status,
    },
    model::{PlaneState, Shown, ShownChannel},
};
use tempfile::TempDir;

use crate::planes::{data_folder, open_whole};

/// Nothing here takes this long; a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Is woken and does nothing.
struct Asleep;

impl Audience for Asleep {
    fn wake(&self) {}

    fn anticipate(&self, _id: AcquisitionId, _at: PlaneAt) -> bool {
        false
    }
}

/// Hub and socket.
pub(crate) struct Window {
    // The socket goes first, as in the program.
    pub(crate) server: Server,
    pub(crate) live: Live,
    pub(crate) folder: InstanceFolder,
    _temporary: TempDir,
}

impl Window {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::at(&temporary.path().join("run"));
        let live = Live::start(Arc::new(Asleep)).unwrap();
        let anywhere = Listen::At("127.0.0.1:0".into());
        let server = Server::start(&live, &anywhere, &folder).unwrap().unwrap();
        Self {
            server,
            live,
            folder,
            _temporary: temporary,
        }
    }

    /// A client that has said hello.
    pub(crate) fn client(&self) -> Raw {
        let mut raw = self.stranger();
        raw.hello(&self.server.instance().token, 1);
        let greeting = raw.hear();
        assert_eq!(greeting["hello"]["protocol"], 1, "{greeting}");
        raw
    }

    /// A connection that has said nothing.
    pub(crate) fn stranger(&self) -> Raw {
        Raw::new(&TcpStream::connect(self.server.address()).unwrap())
    }

    /// The client of the library.
    pub(crate) fn library_client(&self) -> Client {
        Client::newest(&self.folder, "test").unwrap()
    }

    /// Takes news until `is_enough`.
    pub(crate) fn news_until(&self, is_enough: impl Fn(&News) -> bool) -> News {
        let deadline = Instant::now() + PATIENCE;
        let mut all = News::default();
        loop {
            let news = self.live.take();
            all.events.extend(news.events);
            for (at, times) in news.written {
                *all.written.entry(at).or_default() += times;
            }
            all.rescan.extend(news.rescan);
            (all.num_late, all.fence) = (news.num_late, news.fence);
            all.acquisition = news.acquisition;
            if is_enough(&all) {
                return all;
            }
            assert!(Instant::now() < deadline, "{all:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Everything that `client` sent so far.
    pub(crate) fn settled(&self, client: &mut Raw) -> News {
        // Its reply comes after all of it was carried out, and the fence after all of that was merged.
        client.ask(&json!({"do": "status"}));
        let fence = self.live.handle().fence().unwrap();
        self.news_until(|news| news.fence >= fence)
    }

    pub(crate) fn is_empty_within_patience(&self) -> bool {
        within_patience(|| self.server.num_clients() == 0)
    }
}

/// True once `is_so`, false where it never is.
pub(crate) fn within_patience(is_so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// A connection that sends what a test says, to the byte.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    reader: BufReader<TcpStream>,
    next_id: u64,
}

impl Raw {
    fn new(stream: &TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: stream.try_clone().unwrap(),
            reader: BufReader::new(stream.try_clone().unwrap()),
            next_id: 100,
        }
    }

    pub(crate) fn hello(&mut self, token: &str, protocol: i64) {
        let hello = json!({"protocol": protocol, "token": token, "client": "test"});
        self.say(&json!({ "hello": hello }));
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.say_bytes(format!("{message}\n").as_bytes());
    }

    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next line.
    pub(crate) fn hear(&mut self) -> Value {
        let line = self.hear_line().expect("the connection ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next line; `None`: the end.
    pub(crate) fn hear_line(&mut self) -> Option<String> {
        let mut line = String::new();
        // The end may come as a reset where the other side left bytes unread.
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends with an id and gives the reply, which must be the next line.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.next_id += 1;
        let mut message = message.clone();
        message["id"] = json!(self.next_id);
        self.say(&message);
        let answer = self.hear();
        assert_eq!(answer["id"], message["id"], "{answer}");
        answer
    }

    /// The reply to a message that must be taken.
    pub(crate) fn ask_ok(&mut self, message: &Value) -> Value {
        let answer = self.ask(message);
        assert!(answer.get("ok").is_some(), "{message}: {answer}");
        answer["ok"].clone()
    }

    /// The code and the words of a refusal.
    pub(crate) fn ask_refused(&mut self, message: &Value) -> (String, String) {
        let answer = self.ask(message);
        let error = &answer["error"];
        let text = |key: &str| {
            let text = error[key].as_str();
            text.unwrap_or_else(|| panic!("{message}: {answer}"))
                .to_owned()
        };
        (text("code"), text("message"))
    }
}

/// A start of `num_fovs` stores, two channels, 100 z-slices.
pub(crate) fn start(name: &str, num_fovs: usize) -> Value {
    let paths: Vec<String> = (0..num_fovs).map(|fov| format!("/a/{fov}")).collect();
    let labels: Vec<String> = (0..num_fovs).map(|fov| format!("A1:{fov}")).collect();
    json!({
        "do": "start_zarr_acquisition", "acquisition": name, "fov_paths": paths, "fov_labels": labels,
        "channels": ["DAPI", "GFP"], "num_z": 100, "height": 48, "width": 64,
    })
}

/// A notice of GFP.
pub(crate) fn notice(name: &str, t: u32, fov: u32, z: u32) -> Value {
    json!({"do": "notify_zarr_frame", "acquisition": name, "t": t, "fov_idx": fov, "z": z, "channel": "GFP"})
}

pub(crate) fn at(fov: u32, t: u32, z: u32) -> PlaneAt {
    PlaneAt { fov, t, c: 1, z }
}

/// The acquisitions whose start is among the news.
pub(crate) fn starts(news: &News) -> Vec<AcquisitionId> {
    let started = news.events.iter().filter_map(|event| match event {
        LiveEvent::Started(started) => Some(started.id),
        _ => None,
    });
    started.collect()
}

/// The committed dataset with three regions in 6-D stores.
pub(crate) fn dataset() -> Arc<Dataset> {
    open_whole(Path::new(&data_folder().join("6d")))
}

/// A status that shows every channel of a FOV, latest revision, with pixels.
pub(crate) fn showing(dataset: &Arc<Dataset>, flat: u32, t: u32, z: u32, fence: u64) -> Status {
    let channels = dataset.template.channels.iter().enumerate();
    let planes = channels.map(|(c, channel)| ShownChannel {
        c: c as u16,
        channel: channel.display_name(c),
        revision: 1,
        is_latest: true,
        has_pixels: true,
        state: PlaneState::Written,
    });
    Status {
        dataset: Some(Arc::clone(dataset)),
        shown: Some(Arc::new(Shown {
            t,
            fov: dataset.fov_at(flat).unwrap(),
            flat,
            z,
            is_max: false,
            planes: planes.collect(),
            presented: Instant::now(),
        })),
        fence,
        ..Status::default()
    }
}

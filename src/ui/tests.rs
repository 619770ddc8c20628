//! The window on described datasets and hand-made facts, driven by label.

use std::{cell::RefCell, rc::Rc, time::Duration};

use egui_kittest::{Harness, kittest::Queryable as _};

use super::*;
use crate::{
    dataset::testing::{Sizes, dataset},
    ledger::PageSize,
    model::{FovId, PlaneId, ZPick},
    session::{FollowLock, FollowLocks},
};

/// What the window shows.
struct Scene {
    session: Session,
    dataset: Dataset,
    ledger: Ledger,
    facts: Facts,
    /// False: the start page.
    is_open: bool,
}

impl Scene {
    /// 3 FOVs, 4 timepoints, 2 channels, 5 slices.
    fn new() -> Self {
        let dataset = dataset(Sizes::default());
        Self {
            session: Session::new(&dataset),
            dataset,
            ledger: Ledger::default(),
            facts: Facts {
                text_scale: 1.0,
                is_readable: true,
                ..Facts::default()
            },
            is_open: true,
        }
    }

    /// The same with an acquisition in that state.
    fn live(state: LiveState) -> Self {
        let mut scene = Self::new();
        scene.facts.live = Some(LiveFacts {
            state,
            acquired: 1243,
            planned: Some(3360),
            planes_per_sec: Some(12.2),
            remaining: Some(Duration::from_secs(41)),
            failed: 2,
            missing: 0,
            num_late: 0,
        });
        scene
    }

    /// Books a plane as announced.
    fn announce(&mut self, fov: u32, t: u32, c: u16, z: u32) {
        let plane = PlaneId {
            fov: FovId(fov),
            layer: 0,
            t,
            c,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        let size = PageSize::of(&self.dataset.template);
        self.ledger.announce(size, plane, 1);
    }

    /// Draws one frame; what was wished comes back.
    fn show(&self, window: &mut Window, ui: &mut egui::Ui) -> Vec<Action> {
        let ground = tokens::palette(self.facts.theme).canvas;
        let mut paint = |rect, _| egui::Shape::rect_filled(rect, 0.0, ground);
        let view = View {
            session: &self.session,
            dataset: &self.dataset,
            ledger: &self.ledger,
        };
        let mut stage = Stage {
            view: self.is_open.then_some(view),
            facts: &self.facts,
            paint: &mut paint,
            values_at: &|_, _| vec![Some(Value::Unsigned(0)), Some(Value::Unsigned(7))],
            labels_at: &|_, _| Vec::new(),
        };
        window.show(ui, &mut stage)
    }
}

/// A window of that size on a scene; wishes that change the view are applied, the others kept.
struct Desk {
    harness: Harness<'static>,
    scene: Rc<RefCell<Scene>>,
    actions: Rc<RefCell<Vec<Action>>>,
}

impl Desk {
    fn new(scene: Scene, size_pt: [f32; 2]) -> Self {
        let (scene, actions) = (
            Rc::new(RefCell::new(scene)),
            Rc::new(RefCell::new(Vec::new())),
        );
        let (shown, wished) = (Rc::clone(&scene), Rc::clone(&actions));
        let mut window = Window::default();
        let mut harness = Harness::builder().with_size(size_pt).build_ui(move |ui| {
            let mut scene = shown.borrow_mut();
            let scene = &mut *scene;
            for action in scene.show(&mut window, ui) {
                if let Action::View(command) = &action {
                    scene.session.apply(command, &scene.dataset);
                }
                wished.borrow_mut().push(action);
            }
        });
        harness.run_steps(3);
        Self {
            harness,
            scene,
            actions,
        }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    fn has(&self, label: &str) -> bool {
        self.harness.query_by_label(label).is_some()
    }

    fn says(&self, text: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(text);
        found.next().is_some()
    }

    fn wished(&self, action: &Action) -> bool {
        self.actions.borrow().contains(action)
    }
}

const USUAL: [f32; 2] = [1480.0, 1000.0];
const FOLLOW: &str = "Follow the newest plane (L)";

fn ended() -> LiveState {
    LiveState::Ended {
        at: "14:02".into(),
        reason: "finished".into(),
    }
}

#[test]
fn a_running_acquisition_has_a_pill_and_a_button_that_follows() {
    let mut desk = Desk::new(Scene::live(LiveState::Running), USUAL);
    assert!(desk.says("live 36\u{2009}% · 12 planes/s · 00:41 left"));
    desk.click(FOLLOW);
    assert!(desk.scene.borrow().session.follow.is_on);
    desk.harness.key_press(egui::Key::L);
    desk.harness.run_steps(2);
    assert!(!desk.scene.borrow().session.follow.is_on);
    desk.harness.key_press(egui::Key::L);
    desk.harness.run_steps(2);
    assert!(desk.scene.borrow().session.follow.is_on);
    desk.click("Next T (Right)");
    assert!(!desk.scene.borrow().session.follow.is_on);
}

#[test]
fn what_stays_while_following_is_chosen_in_its_menu_which_stays_open() {
    let mut desk = Desk::new(Scene::live(LiveState::Running), USUAL);
    desk.click("What stays while following, Keep…");
    for label in ["Keep this channel", "Keep this z", "Keep this FOV"] {
        desk.click(label);
    }
    let all = FollowLocks {
        channel: true,
        z: true,
        fov: true,
    };
    assert_eq!(desk.scene.borrow().session.follow.locks, all);
    desk.click("Keep this z");
    let locks = desk.scene.borrow().session.follow.locks;
    assert!(!locks.holds(FollowLock::Z));
    assert!(desk.has("What stays while following, Keep channel, FOV"));
}

#[test]
fn an_ended_acquisition_says_so_and_cannot_be_followed() {
    for (state, words) in [
        (ended(), "finished 14:02"),
        (LiveState::Lost, "no heartbeat"),
    ] {
        let mut desk = Desk::new(Scene::live(state), USUAL);
        assert!(desk.says(words));
        assert!(!desk.has(FOLLOW));
        desk.harness.key_press(egui::Key::L);
        desk.harness.run_steps(2);
        assert!(!desk.scene.borrow().session.follow.is_on);
    }
    assert!(!Desk::new(Scene::new(), USUAL).has(FOLLOW));
}

#[test]
fn a_narrow_window_shortens_the_pill_and_nothing_overlaps() {
    for (width, expected) in [(640.0, "% · 00:41 left"), (480.0, "live")] {
        let desk = Desk::new(Scene::live(LiveState::Running), [width, 480.0]);
        let mut found = desk.harness.query_all_by_label_contains(expected);
        let pill = found.next().unwrap().rect();
        let follow = desk.harness.get_by_label(FOLLOW).rect();
        let menu = desk.harness.get_by_label("squidview").rect();
        assert!(pill.right() < follow.left() && menu.right() < pill.left());
    }
}

#[test]
fn a_running_acquisition_is_offered_on_the_start_page_and_over_a_view() {
    let running = Offer {
        kind: OfferKind::RunningAcquisition {
            path: "/data/now".into(),
        },
        name: "night run".into(),
        detail: "/data/now".into(),
    };
    let other = Offer {
        kind: OfferKind::OtherClient { number: 7 },
        name: "second stage".into(),
        detail: String::new(),
    };
    for is_open in [false, true] {
        let mut scene = Scene::new();
        scene.is_open = is_open;
        scene.facts.offers = vec![running.clone(), other.clone()];
        let mut desk = Desk::new(scene, USUAL);
        assert!(desk.says("Acquisition running: night run"));
        desk.click("Open night run");
        assert!(desk.wished(&Action::OpenRunning("/data/now".into())));
        desk.click("Show second stage");
        assert!(desk.wished(&Action::ShowOther(7)));
    }
}

#[test]
fn an_offer_over_a_view_that_was_put_away_comes_back_only_when_it_is_another() {
    let offer = |number| Offer {
        kind: OfferKind::OtherClient { number },
        name: format!("client {number}"),
        detail: String::new(),
    };
    let mut scene = Scene::new();
    scene.facts.offers = vec![offer(1)];
    let mut desk = Desk::new(scene, USUAL);
    desk.click("Dismiss client 1");
    assert!(!desk.has("Show client 1"));
    desk.scene.borrow_mut().facts.offers = vec![offer(2)];
    desk.harness.run_steps(2);
    assert!(desk.has("Show client 2"));
    desk.scene.borrow_mut().facts.offers = vec![offer(1)];
    desk.harness.run_steps(2);
    assert!(desk.has("Show client 1"));
}

#[test]
fn opening_by_itself_is_a_setting_of_the_start_page_and_of_the_menu() {
    let setting = "Open running acquisitions by themselves";
    for is_open in [false, true] {
        let mut scene = Scene::new();
        scene.is_open = is_open;
        let mut desk = Desk::new(scene, USUAL);
        if is_open {
            desk.click("squidview");
        }
        desk.click(setting);
        assert!(desk.wished(&Action::SetFollowRunning(true)));
    }
}

#[test]
fn the_dataset_panel_counts_what_is_acquired_here_and_in_all() {
    let mut scene = Scene::live(LiveState::Running);
    for z in 0..3 {
        scene.announce(0, 0, 1, z);
    }
    let mut desk = Desk::new(scene, USUAL);
    assert!(desk.says("1\u{2009}243 of 3\u{2009}360"));
    assert!(desk.says("3 of 10 at t 0"));
    desk.click("Next T (Right)");
    assert!(desk.says("0 of 10 at t 1"));
}

#[test]
fn the_waiting_panel_asks_for_frames_only_while_it_is_open() {
    let mut desk = Desk::new(Scene::new(), USUAL);
    let delay = |desk: &mut Desk| {
        desk.harness.run_steps(30);
        let views = &desk.harness.output().viewport_output;
        views.values().map(|view| view.repaint_delay).min().unwrap()
    };
    assert_eq!(delay(&mut desk), Duration::MAX);
    desk.harness.key_press(egui::Key::F9);
    let open = delay(&mut desk);
    assert!(desk.has("Why am I waiting"));
    let few_a_second = Duration::from_millis(100)..Duration::from_millis(500);
    assert!(few_a_second.contains(&open), "{open:?}");
    desk.harness.key_press(egui::Key::F9);
    assert_eq!(delay(&mut desk), Duration::MAX);
    assert!(!desk.has("Why am I waiting"));
}

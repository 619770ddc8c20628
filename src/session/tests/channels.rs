//! Channels: which are visible, which is selected, and how they look.

use super::*;
use crate::model::{Channel, Colormap, Lut, Rgb};

/// What is drawn of `num_channels` after commands.
fn check(num_channels: u64, commands: &[Command], expected: &[usize]) {
    let dataset = dataset(Sizes {
        c: num_channels,
        ..Sizes::default()
    });
    let session = after(commands, &dataset);
    assert_eq!(session.drawn_channels(), expected, "after {commands:?}");
}

#[test]
fn few_channels_are_all_visible_at_first_and_of_many_the_first_ones() {
    check(1, &[], &[0]);
    check(4, &[], &[0, 1, 2, 3]);
    check(40, &[], &[0, 1, 2, 3, 4, 5]);
}

#[test]
fn every_one_of_forty_channels_can_be_shown_and_hidden() {
    let all: Vec<usize> = (0..40).collect();
    let show: Vec<_> = all.iter().map(|&c| Command::SetVisible(c, true)).collect();
    let hide: Vec<_> = all.iter().map(|&c| Command::SetVisible(c, false)).collect();
    check(40, &show, &all);
    check(40, &hide, &[]);
    check(40, &[&show[..], &[Command::Solo(39)]].concat(), &[39]);
}

#[test]
fn soloing_the_only_visible_channel_shows_all_again() {
    check(3, &[Command::Solo(1)], &[1]);
    check(3, &[Command::Solo(1), Command::Solo(1)], &[0, 1, 2]);
    check(3, &[Command::Solo(1), Command::Solo(2)], &[2]);
    check(1, &[Command::Solo(0)], &[0]);
}

#[test]
fn a_channel_that_there_is_not_changes_nothing() {
    for hostile in [3, usize::MAX] {
        let limits = ContrastLimits {
            low: 1.0,
            high: 2.0,
        };
        for command in [
            Command::SetVisible(hostile, false),
            Command::Solo(hostile),
            Command::SelectChannel(hostile),
            Command::SetLut(hostile, Lut::Map(Colormap::Turbo)),
            Command::SetGamma(hostile, 2.0),
            Command::SetLimits(hostile, limits),
            Command::ResetLimits(hostile),
            Command::ResetChannel(hostile),
            Command::AutoChannel(hostile),
            Command::MinMaxChannel(hostile),
        ] {
            let dataset = dataset(Sizes {
                c: 3,
                ..Sizes::default()
            });
            let session = after(std::slice::from_ref(&command), &dataset);
            assert_eq!(session, Session::new(&dataset), "{command:?}");
        }
    }
}

#[test]
fn single_mode_draws_the_selected_channel_even_where_it_is_hidden() {
    let single = [Command::ToggleMode, Command::SelectChannel(2)];
    check(3, &single, &[2]);
    check(
        3,
        &[&single[..], &[Command::SetVisible(2, false)]].concat(),
        &[2],
    );
    check(
        3,
        &[&single[..], &[Command::ToggleMode]].concat(),
        &[0, 1, 2],
    );
}

#[test]
fn stepping_through_channels_goes_round() {
    use Direction::{Backward, Forward};
    for (steps, expected) in [
        (vec![Forward], 1),
        (vec![Forward; 3], 0),
        (vec![Backward], 2),
        (vec![Backward, Backward, Forward], 2),
    ] {
        let mut commands = vec![Command::ToggleMode];
        commands.extend(steps.into_iter().map(Command::StepChannel));
        check(3, &commands, &[expected]);
    }
    check(
        1,
        &[Command::ToggleMode, Command::StepChannel(Backward)],
        &[0],
    );
}

/// Channels whose files say `active` so show at first those.
fn check_active(active: &[Option<bool>], expected: &[usize]) {
    let mut dataset = dataset(Sizes {
        c: active.len() as u64,
        ..Sizes::default()
    });
    let template = Arc::make_mut(&mut dataset.template);
    for (channel, &active) in template.channels.iter_mut().zip(active) {
        channel.active = active;
    }
    let session = Session::new(&dataset);
    assert_eq!(session.drawn_channels(), expected, "{active:?}");
}

#[test]
fn active_in_the_files_decides_only_where_it_tells_channels_apart() {
    let (yes, no) = (Some(true), Some(false));
    check_active(&[yes, no, yes], &[0, 2]);
    check_active(&[None, yes, None], &[1]);
    check_active(&[yes, yes, yes], &[0, 1, 2]);
    check_active(&[no, no, no], &[0, 1, 2]);
    check_active(&[None, no, None], &[0, 1, 2]);
    check_active(&[yes; 8], &[0, 1, 2, 3, 4, 5]);
    check_active(&[no, no, no, no, no, no, no, yes], &[7]);
}

#[test]
fn channels_that_the_files_do_not_describe_have_a_name_and_a_colour() {
    let mut dataset = dataset(Sizes {
        c: 3,
        ..Sizes::default()
    });
    Arc::make_mut(&mut dataset.template).channels.truncate(1);
    let session = Session::new(&dataset);
    let names: Vec<&str> = session.channels.iter().map(|view| &*view.name).collect();
    assert_eq!(names, ["Dye 0", "Ch1", "Ch2"]);
    assert_ne!(session.channels[1].lut, session.channels[2].lut);
}

#[test]
fn gamma_stays_inside_its_bounds() {
    let dataset = dataset(Sizes::default());
    for (gamma, expected) in [
        (0.5, 0.5),
        (0.0, 0.1),
        (-1.0, 0.1),
        (1e9, 10.0),
        (f32::NAN, 1.0),
        (f32::INFINITY, 1.0),
    ] {
        let session = after(&[Command::SetGamma(1, gamma)], &dataset);
        assert_eq!(session.channels[1].gamma, expected, "{gamma}");
    }
}

#[test]
fn resetting_a_channel_brings_back_its_colour_and_gamma_and_leaves_its_visibility() {
    let mut dataset = dataset(Sizes::default());
    let color = Rgb { r: 1, g: 2, b: 3 };
    Arc::make_mut(&mut dataset.template).channels[1] = Channel {
        color: Some(color),
        inverted: true,
        ..Channel::default()
    };
    let session = after(
        &[
            Command::SetLut(1, Lut::Map(Colormap::Turbo)),
            Command::SetGamma(1, 3.0),
            Command::SetInverted(1, false),
            Command::SetVisible(1, false),
            Command::ResetChannel(1),
        ],
        &dataset,
    );
    let view = &session.channels[1];
    assert_eq!((view.lut, view.gamma), (Lut::Color(color), 1.0));
    assert!(view.inverted);
    assert!(!view.visible);
}

#[test]
fn what_files_say_later_is_taken_over_but_for_what_was_set_by_hand() {
    let described = |names: [&str; 3], colors: [u8; 3]| {
        let mut dataset = dataset(Sizes {
            c: 3,
            ..Sizes::default()
        });
        let mut image = dataset.template.as_ref().clone();
        let channels = names.iter().zip(colors).map(|(name, red)| Channel {
            name: Some((*name).into()),
            color: Some(Rgb { r: red, g: 0, b: 0 }),
            ..Channel::default()
        });
        image.channels = channels.collect();
        dataset.template = image.into();
        dataset
    };
    let before = described(["a", "b", "c"], [1, 2, 3]);
    let chosen = Lut::Map(Colormap::Viridis);
    let commands = [Command::SetLut(1, chosen), Command::SetVisible(2, false)];
    let mut session = after(&commands, &before);
    let later = described(["a", "b", "C"], [11, 12, 13]);
    session.apply(&Command::DatasetChanged, &later);
    let luts: Vec<Lut> = session.channels.iter().map(|view| view.lut).collect();
    let red = |red| Lut::Color(Rgb { r: red, g: 0, b: 0 });
    assert_eq!(luts, [red(11), chosen, red(13)]);
    assert_eq!(session.channels[2].name, "C");
    assert_eq!(session.drawn_channels(), [0, 1]);
}

#[test]
fn channels_are_inverted_and_gray_as_the_files_say_until_somebody_says_otherwise() {
    let described = |inverted: bool| {
        let mut dataset = dataset(Sizes::default());
        for channel in &mut Arc::make_mut(&mut dataset.template).channels {
            (channel.inverted, channel.in_gray) = (inverted, true);
            channel.color = Some(Rgb { r: 9, g: 0, b: 0 });
        }
        dataset
    };
    let red = Lut::Color(Rgb { r: 255, g: 0, b: 0 });
    let white = Lut::Color(Rgb {
        r: 255,
        g: 255,
        b: 255,
    });
    let commands = [
        Command::SetInverted(0, false),
        Command::SetInverted(usize::MAX, false),
        Command::SetLut(0, red),
    ];
    let mut session = after(&commands, &described(true));
    let views = |session: &Session| [0, 1].map(|at| session.channels[at].clone());
    let found = views(&session).map(|view| (view.inverted, view.lut));
    assert_eq!(found, [(false, red), (true, white)]);
    session.apply(&Command::SetInverted(0, true), &described(true));
    session.apply(&Command::DatasetChanged, &described(false));
    let found = views(&session).map(|view| view.inverted);
    assert_eq!(found, [false, false], "both were as the files said");
}

#[test]
fn of_several_colour_images_the_first_is_shown() {
    let mut dataset = dataset(Sizes {
        c: 7,
        ..Sizes::default()
    });
    let parts = [None, Some(0), Some(1), Some(2), Some(0), Some(1), Some(2)];
    let image = Arc::make_mut(&mut dataset.template);
    for (channel, part) in image.channels.iter_mut().zip(parts) {
        (channel.color_part, channel.active) = (part, None);
    }
    let session = Session::new(&dataset);
    let visible: Vec<bool> = session.channels.iter().map(|view| view.visible).collect();
    assert_eq!(visible, [true, true, true, true, false, false, false]);
}

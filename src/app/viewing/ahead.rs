//! How far playback goes with its next step, by what is at hand.

use super::Viewing;
use crate::{
    cache::Cache,
    session::{Position, Selection},
};

/// So many of the steps that are due are looked at, the last ones first; each costs a `resolve`.
const MAX_LOOKED_AT: usize = 16;

impl Viewing {
    /// Of the steps that are due, as many as lead to a picture that is at hand; one where none does.
    ///
    /// Where drawing is too slow, this skips. Where reading is, it does not: every plane that is skipped was read for
    /// nothing, or is read in vain while the next ones wait, so that fewer pictures are shown than the disk has to give.
    pub(in crate::app) fn steps_to_play(&self, due: u32, cache: &Cache) -> u32 {
        let playback = &self.session.playback;
        let Some(axis) = playback.axis else {
            return 0;
        };
        let after = |steps: u32| {
            let (position, steps) = (self.session.position, i64::from(steps));
            position.stepped(axis, steps, playback.loops, &self.dataset)
        };
        let mut farthest_first = (1..=due).rev().take(MAX_LOOKED_AT);
        farthest_first
            .find(|steps| self.is_at_hand(after(*steps), cache))
            .unwrap_or(1)
    }

    /// True where nothing is to be read before a position can be shown.
    fn is_at_hand(&self, position: Position, cache: &Cache) -> bool {
        let selection = Selection {
            position,
            ..self.session.selection()
        };
        let visible = self.resolve_of(&selection);
        let mut tiles = visible.tiles();
        !self.is_unopened(position.fov)
            && visible.unopened_labels.is_empty()
            && tiles.all(|tile| {
                self.held_of(tile).is_some()
                    || self.without_of(tile).is_some()
                    || cache.contains(&self.cache_key(tile))
            })
    }
}

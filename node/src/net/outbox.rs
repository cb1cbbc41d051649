//! The bounded queue of frames that wait for one validator.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::limits::{OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX};
use super::lock;

/// Bytes to send to validators. The queues of several validators share the same allocation.
pub type Frame = Arc<[u8]>;

/// A full outbox drops its oldest frames: a newer vote is worth more than an older one, and the
/// rebroadcast timer sends again what still matters. An outbox outlives streams and connections, so
/// frames that are sent while a peer restarts still reach it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Queue {
    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(frame.len());
        Some(frame)
    }

    fn is_over(&self) -> bool {
        self.frames.len() > OUTBOX_FRAMES_MAX || self.bytes > OUTBOX_BYTES_MAX
    }
}

impl Outbox {
    /// Appends a frame and returns the number of older frames that were dropped.
    pub(crate) fn push(&self, frame: Frame) -> u64 {
        let mut queue = lock(&self.queue);
        queue.bytes = queue.bytes.saturating_add(frame.len());
        queue.frames.push_back(frame);
        let mut dropped = 0;
        while queue.is_over() && queue.pop().is_some() {
            dropped += 1;
        }
        self.filled.notify_one();
        dropped
    }

    pub(crate) fn try_next(&self) -> Option<Frame> {
        lock(&self.queue).pop()
    }

    /// Waits for the next frame. Only one caller may wait at a time. Dropping the future loses no
    /// frame.
    pub(crate) async fn next(&self) -> Frame {
        loop {
            if let Some(frame) = self.try_next() {
                return frame;
            }
            self.filled.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_outbox_drops_its_oldest_frames_and_says_how_many() {
        let outbox = Outbox::default();
        let frame = |n: usize| Frame::from(n.to_be_bytes());
        let dropped: u64 = (0..OUTBOX_FRAMES_MAX + 3).map(|n| outbox.push(frame(n))).sum();
        assert_eq!(dropped, 3);
        assert_eq!(outbox.try_next(), Some(frame(3)));
    }

    #[test]
    fn an_outbox_is_bounded_in_bytes_too() {
        let outbox = Outbox::default();
        let large = Frame::from(vec![0; OUTBOX_BYTES_MAX / 2]);
        assert_eq!(outbox.push(large.clone()) + outbox.push(large.clone()), 0);
        assert_eq!(outbox.push(Frame::from([1])), 1);
        assert_eq!(outbox.try_next(), Some(large));
        assert_eq!(outbox.try_next(), Some(Frame::from([1])));
        assert_eq!(outbox.try_next(), None);
    }
}

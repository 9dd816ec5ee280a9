//! The way out of the worker, shared by the encoding threads.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::Fault;
use crate::framing;
use crate::reply::{Message, Reply};
use crate::request::{EncodedLeaf, Inspected};

/// Sends leaves as they are done, but none before the source's roots: chunks are encoded while later ones are still
/// being decoded, and a leaf says nothing about a source that turns out to be another one.
pub(super) struct Outlet<W> {
    state: Mutex<State<W>>,
}

struct State<W> {
    to: W,
    /// Leaves done before the source was; none once it has been sent.
    early: Option<Vec<Reply>>,
}

impl<W: Write> Outlet<W> {
    pub(super) fn new(to: W) -> Self {
        let early = Some(Vec::new());
        Self {
            state: Mutex::new(State { to, early }),
        }
    }

    // No panic comes between the two halves of a write, so a poisoned state is a whole one.
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far decoding is.
    pub(super) fn decoded(&self, frames: u32) -> Result<(), Fault> {
        self.lock().send(&Ok(Reply::Decoded(frames)))
    }

    /// Sends the source, then the leaves that waited for it.
    pub(super) fn source(&self, source: Inspected) -> Result<(), Fault> {
        let mut state = self.lock();
        state.send(&Ok(Reply::Source(source)))?;
        for leaf in state.early.take().unwrap_or_default() {
            state.send(&Ok(leaf))?;
        }
        Ok(())
    }

    /// Sends a leaf, or keeps it until the source has been sent.
    pub(super) fn leaf(&self, place: u32, leaf: EncodedLeaf) -> Result<(), Fault> {
        let reply = Reply::Leaf { place, leaf };
        let mut state = self.lock();
        match &mut state.early {
            Some(early) => {
                early.push(reply);
                Ok(())
            }
            None => state.send(&Ok(reply)),
        }
    }

    /// Says that one thread has stopped for another request.
    pub(super) fn fewer(&self) -> Result<(), Fault> {
        self.lock().send(&Ok(Reply::Fewer))
    }

    /// Sends the last message.
    pub(super) fn end(self, last: &Message) -> Result<(), Fault> {
        self.lock().send(last)
    }
}

impl<W: Write> State<W> {
    fn send(&mut self, message: &Message) -> Result<(), Fault> {
        let broken = |error: io::Error| Fault::Worker(format!("answering: {error}"));
        let bytes = postcard::to_stdvec(message).map_err(|e| Fault::Worker(e.to_string()))?;
        framing::write(&mut self.to, &bytes).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::MAX_MESSAGE;
    use std::time::Duration;

    fn leaf(leaf: u32) -> EncodedLeaf {
        EncodedLeaf {
            leaf,
            rendition: 0,
            chunk: leaf,
            output_hash: Default::default(),
            output_len: 0,
            units: Vec::new(),
            bytes: None,
        }
    }

    #[test]
    fn no_leaf_comes_before_the_source() {
        let mut pipe = Vec::new();
        let outlet = Outlet::new(&mut pipe);
        outlet.leaf(1, leaf(11)).unwrap();
        outlet.decoded(2).unwrap();
        outlet.leaf(0, leaf(10)).unwrap();
        let source = Inspected {
            frame_count: 3,
            chunk_roots: Vec::new(),
            frames_root: Default::default(),
            decode_cpu: Duration::ZERO,
        };
        outlet.source(source).unwrap();
        outlet.leaf(2, leaf(12)).unwrap();
        let encode_cpu = Duration::from_secs(1);
        outlet.end(&Ok(Reply::Done { encode_cpu })).unwrap();
        let mut pipe = pipe.as_slice();
        let mut heard = Vec::new();
        while !pipe.is_empty() {
            let bytes = framing::read(&mut pipe, MAX_MESSAGE).unwrap();
            heard.push(match postcard::from_bytes::<Message>(&bytes).unwrap() {
                Ok(Reply::Decoded(frames)) => format!("{frames} frames"),
                Ok(Reply::Source(_)) => "source".to_owned(),
                Ok(Reply::Leaf { place, leaf }) => format!("{place}: {}", leaf.leaf),
                Ok(Reply::Done { .. }) => "done".to_owned(),
                Ok(Reply::Fewer) => "fewer".to_owned(),
                Ok(Reply::Walls(_)) => "walls".to_owned(),
                Err(fault) => fault.to_string(),
            });
        }
        assert_eq!(
            heard,
            ["2 frames", "source", "1: 11", "0: 10", "2: 12", "done"]
        );
    }
}

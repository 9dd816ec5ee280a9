//! Sources, workers and packages, with real video. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod bench;
mod bombs;
mod conformance;
mod corpus;
mod cuts;
mod formats;
mod frame_rate;
mod input;
mod lasting;
mod live;
mod live_walls;
mod package;
mod picture;
mod pinned;
mod pipeline;
mod player;
mod playlists;
mod processes;
mod restarts;
mod sandbox;
mod scaler;
mod sound;
mod sources;
mod streaming;
mod support;
mod surroundings;
mod tracks;
mod worker;
mod y4m;

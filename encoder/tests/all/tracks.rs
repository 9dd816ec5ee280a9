//! Which of a file's tracks are heard: the picture's own, what the file says is to be heard first, and none that stands in
//! another's way.

use crate::support::{ffmpeg, worker};

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::package::Sound;
use assay_encoder::probe;
use assay_encoder::soundtrack::{Soundtrack, is_passed_on};

const PICTURE: &str = "-f lavfi -i testsrc2=size=64x48:rate=30:d=4";

/// What FFmpeg's encoder says of mono at 48 kHz (ISO/IEC 14496-3, AudioSpecificConfig).
const LC: [u8; 5] = [0x11, 0x88, 0x56, 0xe5, 0];

/// A film with two tracks of AAC, of which the second one says `config` of itself.
fn film(dir: &Path, config: [u8; 5]) -> PathBuf {
    let path = dir.join("film.mp4");
    let sound = "-f lavfi -i sine=d=4:r=48000";
    ffmpeg(
        &format!(
            "{PICTURE} {sound} {sound} -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -c:a aac -movflags +faststart"
        ),
        &path,
    );
    let mut bytes = std::fs::read(&path).unwrap();
    let places = bytes.windows(5).enumerate().filter(|(_, at)| *at == LC);
    let places: Vec<_> = places.map(|(place, _)| place).collect();
    assert_eq!(places.len(), 2, "one for each track");
    bytes[places[1]..places[1] + 5].copy_from_slice(&config);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Two seconds of what is passed on of a file, and the streams that could not be taken out of it.
async fn heard(path: &Path) -> (Vec<Option<Sound>>, Vec<u32>) {
    let found = probe(path, &worker()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let track = Soundtrack::extract(&found, 0, dir.path(), &worker()).await;
    let track = track.unwrap().unwrap();
    let mut reader = track.open(Duration::ZERO, Duration::ZERO).unwrap();
    let sounds = reader.until(Duration::from_secs(2)).unwrap();
    (sounds, track.left_out().to_vec())
}

#[tokio::test]
async fn a_track_that_cannot_be_carried_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    // Frames of 960 samples, which nothing but the attempt shows; then low delay.
    let (sounds, left_out) = heard(&film(dir.path(), [0x11, 0x8c, 0x56, 0xe5, 0])).await;
    assert_eq!((sounds.len(), left_out), (1, vec![2]));
    let eld = film(dir.path(), [0xf8, 0xe6, 0x20, 0, 0]);
    let found = probe(&eld, &worker()).await.unwrap();
    let passed: Vec<_> = found.audio.iter().map(is_passed_on).collect();
    assert_eq!(passed, [true, false]);
    let (sounds, left_out) = heard(&eld).await;
    assert_eq!((sounds.len(), left_out.len()), (1, 0));
    assert!(sounds[0].as_ref().unwrap().samples() > 80_000);
}

#[tokio::test]
async fn a_stream_that_nothing_can_open_is_named_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let usac = film(dir.path(), [0xf9, 0x46, 0x20, 0, 0]);
    let said = probe(&usac, &worker()).await.unwrap_err().to_string();
    assert!(
        said.contains("number 2") && said.contains("-map -0:2"),
        "{said}"
    );
}

#[tokio::test]
async fn of_several_programmes_the_picture_s_own_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mux.ts");
    let (radio, own) = (
        "-f lavfi -i sine=d=4:r=48000",
        "-f lavfi -i sine=d=4:r=44100",
    );
    ffmpeg(
        &format!(
            "{radio} {PICTURE} {own} -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -c:a aac -program title=Radio:st=0 \
             -program title=TV:st=1:st=2"
        ),
        &path,
    );
    let (sounds, _) = heard(&path).await;
    let rates: Vec<_> = sounds
        .iter()
        .flatten()
        .map(|sound| sound.format.rate)
        .collect();
    assert_eq!(rates, [44_100]);
}

#[tokio::test]
async fn what_the_file_says_is_to_be_heard_comes_first_and_comments_last() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film.mkv");
    let sound = "-f lavfi -i sine=d=4:r=48000";
    ffmpeg(
        &format!(
            "{PICTURE} {sound} -map 0 -map 1 -map 1 -map 1 -c:v libx264 -preset ultrafast -c:a aac -metadata:s:a:0 language=eng \
             -metadata:s:a:1 language=ger -metadata:s:a:2 language=fre -disposition:a:0 comment -disposition:a:1 0 \
             -disposition:a:2 default"
        ),
        &path,
    );
    let (sounds, _) = heard(&path).await;
    let languages = sounds
        .into_iter()
        .map(|sound| sound.unwrap().format.language.unwrap());
    assert_eq!(languages.collect::<Vec<_>>(), ["fre", "ger", "eng"]);
}

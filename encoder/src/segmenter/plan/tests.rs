use super::*;

fn packets(pattern: &[(Micros, bool)]) -> Vec<Packet> {
    let packet = |&(time, key)| Packet {
        time: Some(time),
        key,
        ..Packet::default()
    };
    pattern.iter().map(packet).collect()
}

const ANY: Length = Length {
    time: 1,
    frames: 1,
    bytes: u64::MAX,
};

#[test]
fn cuts_only_where_no_later_frame_comes_first() {
    let open = packets(&[
        (0, true),
        (1, false),
        (2, false),
        (5, true),
        (3, false),
        (4, false),
        (6, true),
    ]);
    assert_eq!(starts(&open, ANY), [0, 6]);
    let closed = packets(&[
        (0, true),
        (2, false),
        (1, false),
        (3, true),
        (5, false),
        (4, false),
    ]);
    assert_eq!(starts(&closed, ANY), [0, 3]);
    assert_eq!(starts(&closed, Length { time: 4, ..ANY }), [0]);
}

#[test]
fn what_is_large_is_cut_early() {
    let mut packets = packets(&[(0, true), (1, true), (2, true), (3, true), (4, true)]);
    for (packet, place) in packets.iter_mut().zip([0, 60, 120, 180, 240]) {
        packet.position = Some(place);
    }
    let length = Length {
        time: 100,
        frames: 100,
        bytes: 100,
    };
    assert_eq!(starts(&packets, length), [0, 2, 4]);
}

#[test]
fn a_clock_that_is_set_back_is_seen_at_its_key_frame() {
    const S: Micros = 1_000_000;
    let order = packets(&[
        (0, true),
        (3 * S, false),
        (S, false),
        (4 * S, true),
        (3 * S, false),
    ]);
    assert_eq!(set_back(&order), None);
    let back = packets(&[(0, true), (3 * S, false), (S, false), (0, false), (S, true)]);
    assert_eq!(set_back(&back), Some((4, 3 * S, S)));
}

#[test]
fn cuts_by_time_however_many_frames_that_are() {
    // Ten frames in the first second, one a second later on, every one a key frame.
    let times = (0..10)
        .map(|i| i * 100_000)
        .chain((1..5).map(|i| i * 1_000_000));
    let packets = packets(&times.map(|time| (time, true)).collect::<Vec<_>>());
    let length = Length::of(Duration::from_secs(2), (5, 1));
    assert_eq!((length.time, length.frames), (1_800_000, 9));
    assert_eq!(starts(&packets, length), [0, 11, 13]);
}

#[test]
fn the_last_frame_lasts_as_long_as_is_said_within_reason() {
    const MS: Micros = 1_000;
    let order = [
        (0, true),
        (120 * MS, false),
        (40 * MS, false),
        (80 * MS, false),
    ];
    let lasts = |durations: [Option<Micros>; 4], hidden: bool| {
        let mut packets = packets(&order);
        for (packet, duration) in packets.iter_mut().zip(durations) {
            packet.duration = duration.map(|millis| millis * MS);
        }
        packets[1].hidden = hidden;
        lasting(&packets, 40 * MS) / MS
    };
    let rate = Some(40);
    let said = [
        (Some(900), 900),
        (Some(1), 40),
        (Some(LASTS / MS + 1), 40),
        (None, 40),
    ];
    for (said, expected) in said {
        assert_eq!(lasts([rate, said, rate, rate], false), expected);
    }
    // Rounded; of the order of decoding, a default, unknown.
    assert_eq!(lasts([rate, Some(900), Some(41), rate], false), 900);
    assert_eq!(lasts([rate, Some(900), Some(80), rate], false), 40);
    assert_eq!(lasts([Some(900); 4], false), 40);
    assert_eq!(lasts([rate, Some(900), None, rate], false), 40);
    assert_eq!(lasts([rate, rate, rate, Some(900)], true), 900);
}

#[test]
fn a_gradual_refresh_is_no_place_to_cut() {
    let mut packets = packets(&[(0, true), (1, false), (2, true), (3, false), (4, true)]);
    keep(&mut packets, &HashSet::from([0, 4]));
    assert_eq!(starts(&packets, ANY), [0, 4]);
}

use super::*;

fn stream(depth: u8, frames: usize) -> Vec<u8> {
    let header = Header {
        width: 17,
        height: 5,
        bit_depth: depth,
        fps: (30, 1),
        full_range: false,
    };
    let mut out = header.line().into_bytes();
    for i in 0..frames {
        write_frame(&mut out, &vec![i as u8; header.frame_bytes()]).unwrap();
    }
    out
}

#[test]
fn reads_what_it_writes() {
    for depth in [8, 10] {
        let bytes = stream(depth, 3);
        let mut reader = Reader::new(bytes.as_slice()).unwrap().unwrap();
        assert_eq!(reader.header().bit_depth, depth);
        let mut frames = Vec::new();
        while reader.read_frame(&mut frames).unwrap() {}
        assert_eq!(
            (reader.frames(), frames.len()),
            (3, 3 * reader.header().frame_bytes())
        );
    }
}

#[test]
fn says_that_a_line_has_no_end() {
    let long = |bytes: usize| format!("YUV4MPEG2 W4 H4 X{}\n", "a".repeat(bytes));
    let most = MAX_LINE as usize - long(0).len();
    assert!(Reader::new(long(most).as_bytes()).is_ok());
    let refused = Reader::new(long(most + 1).as_bytes()).err().unwrap();
    assert_eq!(refused.to_string(), "Y4M: a header of more than 1024 bytes");
    let frame = format!("YUV4MPEG2 W4 H4\nFRAME X{}", "a".repeat(2000));
    let mut reader = Reader::new(frame.as_bytes()).unwrap().unwrap();
    let refused = reader.read_frame(&mut Vec::new());
    assert!(matches!(refused, Err(Y4mError::Long)), "{refused:?}");
}

#[test]
fn says_that_ffmpeg_wrote_rows_short() {
    let bytes = stream(10, 2);
    let mut lines = bytes.split_inclusive(|&b| b == b'\n');
    let header = lines.next().unwrap();
    // Three rows of each of two planes.
    let frame = Header::parse(header.trim_ascii_end())
        .unwrap()
        .frame_bytes()
        - 6;
    for frames in [1, 2] {
        let mut short = header.to_vec();
        for _ in 0..frames {
            write_frame(&mut short, &vec![1; frame]).unwrap();
        }
        let mut reader = Reader::new(short.as_slice()).unwrap().unwrap();
        let refused = reader.read_frame(&mut Vec::new()).unwrap_err().to_string();
        assert!(refused.contains("frame 0 has a byte too few"), "{refused}");
    }
}

#[test]
fn bare_frames_end_with_the_stream() {
    let header = Header {
        width: 17,
        height: 5,
        bit_depth: 10,
        fps: (30, 1),
        full_range: false,
    };
    let bytes = vec![1; header.frame_bytes() * 5 / 2];
    let mut reader = Reader::bare(bytes.as_slice(), header.clone());
    let mut frame = Vec::new();
    assert!(reader.read_frame(&mut frame).unwrap() && reader.read_frame(&mut frame).unwrap());
    let torn = reader.read_frame(&mut frame);
    assert!(matches!(torn, Err(Y4mError::CutOff { frame: 2, .. })));
    let mut reader = Reader::bare(&bytes[..header.frame_bytes()], header);
    assert!(reader.read_frame(&mut frame).unwrap() && !reader.read_frame(&mut frame).unwrap());
}

#[test]
fn says_where_it_is_cut_off() {
    let bytes = stream(8, 3);
    let mut reader = Reader::new(&bytes[..bytes.len() - 10]).unwrap().unwrap();
    let mut frame = Vec::new();
    assert!(reader.read_frame(&mut frame).unwrap() && reader.read_frame(&mut frame).unwrap());
    assert!(matches!(
        reader.read_frame(&mut frame),
        Err(Y4mError::CutOff {
            frame: 2,
            found: 129,
            expected: 139
        })
    ));
    assert!(matches!(
        Header::parse(b"YUV4MPEG2 W4 H4 C444"),
        Err(Y4mError::Header(_))
    ));
    assert!(matches!(Header::parse(b"RIFF"), Err(Y4mError::Magic(_))));
}

#[test]
fn pixels_are_square_unless_it_is_said() {
    assert_eq!(
        Header::pixel_aspect(b"YUV4MPEG2 W4 H4 A128:117 C420"),
        (128, 117)
    );
    assert_eq!(Header::pixel_aspect(b"YUV4MPEG2 W4 H4 A0:0"), (1, 1));
    assert_eq!(Header::pixel_aspect(b"YUV4MPEG2 W4 H4"), (1, 1));
}

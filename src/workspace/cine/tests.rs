//! Films of a minute against a second implementation that walks from frame to frame.

use super::*;

fn facts(vector: &[f64]) -> CineFacts {
    CineFacts {
        frame_time_vector_ms: vector.to_vec(),
        ..CineFacts::default()
    }
}

/// A minute of a film, walked from frame to frame: the end of each showing and its frame.
fn walked(durations: &[f64], sweep: bool) -> Vec<(f64, usize)> {
    let n = durations.len();
    let mut order: Vec<(usize, f64)> = durations.iter().copied().enumerate().collect();
    if sweep {
        order.extend((1..n - 1).rev().map(|k| (k, durations[k - 1])));
    }
    let mut ends = Vec::new();
    let mut at = 0.0;
    while at < 61_000.0 {
        for (frame, duration) in &order {
            at += duration;
            ends.push((at, *frame));
        }
    }
    ends
}

#[test]
fn a_minute_is_a_minute() {
    let even = vec![0.0, 33.33, 33.33, 33.33, 33.33, 33.33, 33.33];
    let uneven = vec![0.0, 20.0, 80.0, 5.0, 5.0, 120.0, 40.0, 33.0];
    let check = |vector: &[f64], sweep: bool, refresh_ms: f64| {
        let mut player = Player::new(&facts(vector), vector.len());
        assert_eq!(player.schedule.source, TimeSource::FrameTimeVector);
        player.sweep = sweep;
        player.start(0, 100.0);
        let mean = vector.iter().sum::<f64>() / (vector.len() - 1) as f64;
        let durations: Vec<f64> = vector.iter().skip(1).copied().chain([mean]).collect();
        let film = walked(&durations, sweep);
        let place = |ms: f64| film.partition_point(|(end, _)| *end <= ms);
        let (mut shown, mut last) = (0u64, None);
        let mut at = 0.0;
        while at < 60_000.0 {
            let frame = player.advance(100.0 + at / 1000.0).unwrap();
            // Sums in another order: a moment on a border may fall on either side.
            let expected = [at, at + 1e-6, at - 1e-6].map(|ms| film[place(ms)].1);
            assert!(expected.contains(&frame), "{at} {frame} {expected:?}");
            if last != Some(frame) {
                shown += 1;
                last = Some(frame);
            }
            at += refresh_ms;
        }
        let due = place(at - refresh_ms) as u64;
        let counted = shown - 1 + player.dropped;
        assert!(
            counted.abs_diff(due) <= 1,
            "{shown} {} {due}",
            player.dropped
        );
        player.dropped
    };
    // A display of 60 Hz keeps up with 30 frames a second, and with a slow one.
    assert_eq!(check(&even, false, 1000.0 / 60.0), 0);
    assert_eq!(check(&even, true, 1000.0 / 60.0), 0);
    // Frames of 5 ms cannot all be seen at 60 Hz.
    assert!(check(&uneven, false, 1000.0 / 60.0) > 100);
    assert_eq!(check(&uneven, false, 1.0), 0);
    assert_eq!(check(&uneven, true, 1.0), 0);
    // A window that stutters at 7 frames a second plays on time and says what it leaves out.
    assert!(check(&even, false, 1000.0 / 7.0) > 1300);
}

#[test]
fn the_first_time_that_can_be_counts() {
    let check = |facts: CineFacts, frames: usize, source: TimeSource, rate: f64| {
        let player = Player::new(&facts, frames);
        assert_eq!(player.schedule.source, source);
        assert!((player.rate() - rate).abs() < 1e-9, "{}", player.rate());
    };
    let all = CineFacts {
        frame_time_vector_ms: vec![0.0, 40.0, 60.0],
        frame_time_ms: Some(25.0),
        recommended_rate: Some(30.0),
        cine_rate: Some(12.0),
        ..CineFacts::default()
    };
    check(all.clone(), 3, TimeSource::FrameTimeVector, 20.0);
    // A vector of other frames, or with impossible times, is none.
    check(all.clone(), 4, TimeSource::FrameTime, 40.0);
    let broken = CineFacts {
        frame_time_vector_ms: vec![0.0, -40.0, 60.0],
        ..all.clone()
    };
    check(broken, 3, TimeSource::FrameTime, 40.0);
    let still = CineFacts {
        frame_time_vector_ms: vec![0.0; 3],
        frame_time_ms: Some(0.0),
        ..all.clone()
    };
    check(still, 3, TimeSource::RecommendedRate, 30.0);
    let slow = CineFacts {
        cine_rate: Some(12.0),
        ..CineFacts::default()
    };
    check(slow, 5, TimeSource::CineRate, 12.0);
    check(CineFacts::default(), 5, TimeSource::Assumed, ASSUMED_RATE);
}

#[test]
fn ranges_speeds_and_interruptions() {
    let tenth = CineFacts {
        frame_time_ms: Some(100.0),
        trim: [Some(3), Some(6)],
        ..CineFacts::default()
    };
    let mut player = Player::new(&tenth, 10);
    assert_eq!(player.range, [2, 5]);
    assert_eq!((player.advance(0.0), player.wait_secs(0.0)), (None, None));
    // From outside of the range and from its last frame it begins at its first.
    for from in [0, 9, 5] {
        player.start(from, 0.0);
        assert_eq!(player.advance(0.0), Some(2));
    }
    player.start(3, 10.0);
    let frames: Vec<_> = [10.0, 10.11, 10.21, 10.31, 10.41]
        .map(|t| player.advance(t).unwrap())
        .to_vec();
    assert_eq!(frames, [3, 4, 5, 2, 3]);
    assert!((player.wait_secs(10.41).unwrap() - 0.09).abs() < 1e-9);
    // Twice as fast from the frame that is due; nothing is skipped or shown anew.
    player.change_speed(10.41, true);
    player.change_speed(10.41, true);
    assert_eq!((player.speed, player.advance(10.41)), (2.0, Some(3)));
    assert_eq!(player.advance(10.47), Some(4));
    assert_eq!(player.dropped, 0);
    // Two frames fall out.
    assert_eq!((player.advance(10.62), player.dropped), (Some(3), 2));
    // A window that was hidden goes on where it was.
    let frame = player.advance(10.63);
    assert_eq!((player.advance(500.0), player.dropped), (frame, 2));
    player.change(500.0, |p| p.range = [8, 90]);
    assert_eq!((player.range, player.advance(500.0)), ([8, 9], Some(8)));
    player.stop();
    assert!(!player.is_running());
    // A trim that is none, and a single frame.
    let odd = CineFacts {
        trim: [Some(9), Some(2)],
        ..CineFacts::default()
    };
    assert_eq!(Player::new(&odd, 10).range, [0, 9]);
    let mut single = Player::new(&odd, 1);
    single.start(0, 0.0);
    assert_eq!((single.advance(0.5), single.range), (Some(0), [0, 0]));
    let mut none = Player::new(&odd, 0);
    none.start(0, 0.0);
    assert_eq!(none.advance(1.0), Some(0));
    for _ in 0..20 {
        none.change_speed(1.0, false);
    }
    assert_eq!(none.speed, SPEEDS[0]);
}

use super::*;

/// The cells fill the square: the same check that files pass.
fn holds(layout: &Layout) {
    let rects: Vec<CellRect> = layout.rects().collect();
    assert_eq!(rects.len(), layout.cells());
    assert!(FreeCells::new(rects).is_some(), "{layout:?}");
}

#[test]
fn every_grid_fills_the_square_exactly() {
    for columns in 1..=8u8 {
        for rows in 1..=8u8 {
            let layout = Layout::grid(columns, rows);
            assert_eq!(layout.cells(), usize::from(columns) * usize::from(rows));
            holds(&layout);
            let lines = usize::from(columns - 1) + usize::from(rows - 1);
            assert_eq!(layout.dividers().len(), lines, "{columns}×{rows}");
        }
    }
    assert_eq!(Grid::new(0, 200), Grid::new(1, 8));
    assert_eq!(Layout::ONE.cells(), 1);
    assert_eq!(Layout::TWO.cells(), 2);
    assert_eq!(Layout::Mpr.cells(), 4);
}

#[test]
fn splitting_in_the_middle_gives_grids() {
    let two = Layout::ONE.split(0, Parting::Upright, 0.5).unwrap();
    assert_eq!(two, Layout::TWO);
    let three = two.split(1, Parting::Level, 0.25).unwrap();
    assert_eq!(three.cells(), 3);
    assert_eq!(three.rect(0), Layout::TWO.rect(0));
    assert_eq!(
        three.rect(2).unwrap().fractions(),
        [0.5, 0.25, 1.0, 1.0],
        "the new cell is the lower one and comes last"
    );
    assert_eq!(three.join(1, 2).unwrap(), Layout::TWO);
    assert_eq!(three.join(2, 1).unwrap(), Layout::TWO);
    assert_eq!(three.join(0, 1), Err(LayoutRefusal::NotBeside));
    assert_eq!(three.join(1, 1), Err(LayoutRefusal::NotBeside));
    assert_eq!(three.join(0, 7), Err(LayoutRefusal::NoCell));
    assert_eq!(
        three.split(3, Parting::Level, 0.5),
        Err(LayoutRefusal::NoCell)
    );
    assert_eq!(
        three.split(0, Parting::Level, 0.01),
        Err(LayoutRefusal::TooSmall)
    );
    assert_eq!(
        Layout::grid(8, 8).split(0, Parting::Level, 0.5),
        Err(LayoutRefusal::TooMany)
    );
    assert_eq!(three.partner(1), Some(2));
    assert_eq!(three.partner(0), None, "nobody has its whole right side");
}

#[test]
fn a_line_of_a_grid_moves_as_one_and_stops_in_time() {
    let upright = Layout::FOUR.dividers()[0];
    assert_eq!(
        upright,
        Divider {
            way: Parting::Upright,
            at: SIDE / 2,
            from: 0,
            to: SIDE
        }
    );
    let moved = Layout::FOUR.with_moved(upright, SIDE / 4);
    holds(&moved);
    assert_eq!(moved.rect(0).unwrap().right, SIDE / 4);
    assert_eq!(moved.rect(3).unwrap().left, SIDE / 4);
    let end = Layout::FOUR.with_moved(upright, SIDE);
    assert_eq!(end.rect(1).unwrap().left, SIDE - LEAST);
    let back = moved.with_moved(moved.dividers()[0], SIDE / 2);
    assert_eq!(back, Layout::FOUR, "and is a grid again");
    let gone = Divider { at: 17, ..upright };
    assert_eq!(Layout::FOUR.with_moved(gone, 5000), Layout::FOUR);
}

#[test]
fn what_a_file_says_is_checked() {
    let rect = |left, top, right, bottom| CellRect {
        left,
        top,
        right,
        bottom,
    };
    let half = SIDE / 2;
    for (cells, good) in [
        (vec![CellRect::ALL], true),
        (vec![], false),
        (vec![rect(0, 0, half, SIDE)], false),
        (vec![CellRect::ALL, CellRect::ALL], false),
        (
            vec![rect(0, 0, half, SIDE), rect(half, 0, SIDE, SIDE)],
            true,
        ),
        // As much area as the square, but not the square.
        (vec![rect(0, 0, half, SIDE), rect(0, 0, half, SIDE)], false),
        (vec![rect(0, 0, SIDE + 1, SIDE)], false),
        (vec![rect(5, 0, 5, SIDE)], false),
    ] {
        assert_eq!(FreeCells::new(cells.clone()).is_some(), good, "{cells:?}");
    }
    assert_eq!(
        CellRect::of_fractions([0.0, 0.0, 1.0, 1.0]),
        Some(CellRect::ALL)
    );
    assert_eq!(CellRect::of_fractions([0.0, 0.0, 1.1, 1.0]), None);
    assert_eq!(CellRect::of_fractions([0.5, 0.0, 0.5, 1.0]), None);
    assert_eq!(CellRect::of_fractions([f64::NAN, 0.0, 1.0, 1.0]), None);
}

#[test]
fn layouts_have_words() {
    for (word, layout) in [
        ("1x1", Some(Layout::ONE)),
        (" 2x1 ", Some(Layout::TWO)),
        ("mpr", Some(Layout::Mpr)),
        ("tiles 3x2", Some(Layout::Tiles(Grid::new(3, 2)))),
        ("free 0,0,50400,50400", Some(Layout::ONE)),
        ("free 0,0,50400,50399", None),
        ("free 0,0,1", None),
        ("free", None),
        ("9x1", None),
        ("0x1", None),
        ("", None),
        ("x", None),
    ] {
        assert_eq!(Layout::of_word(word), layout, "{word}");
    }
}

#[test]
fn neighbours_fill_the_room_of_a_cell_that_is_away() {
    let all = Layout::FOUR.rects_without(|cell| cell == 0);
    assert_eq!(all[0], None);
    assert_eq!(all[1].unwrap().fractions(), [0.0, 0.0, 1.0, 0.5]);
    let one = Layout::FOUR.rects_without(|cell| cell != 2);
    assert_eq!(one, [None, None, Some(CellRect::ALL), None]);
    // The only cell has nobody beside it: its room stays, for words that say where it is.
    assert_eq!(Layout::ONE.rects_without(|_| true), [Some(CellRect::ALL)]);
    for grid in [(3, 3), (2, 4), (8, 8)] {
        let layout = Layout::grid(grid.0, grid.1);
        for away in 0..layout.cells() {
            let left = layout.rects_without(|cell| cell == away);
            let left: Vec<CellRect> = left.into_iter().flatten().collect();
            assert_eq!(left.len(), layout.cells() - 1);
            assert!(FreeCells::new(left).is_some());
        }
    }
}

/// Whatever is done in whatever order, the cells fill the square, and the old value is still there to go back to.
#[test]
fn ten_thousand_changes_leave_no_gap() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut layout = Layout::ONE;
    let (mut splits, mut joins, mut moves) = (0, 0, 0);
    for _ in 0..10_000 {
        let cell = next(layout.cells());
        let way = [Parting::Upright, Parting::Level][next(2)];
        let changed = match next(5) {
            0 | 1 => layout.split(cell, way, 0.1 + next(80) as f64 / 100.0).ok(),
            2 => {
                let partner = layout.partner(cell);
                partner.and_then(|other| layout.join(cell, other).ok())
            }
            3 => {
                let lines = layout.dividers();
                let line = lines.get(next(lines.len())).copied();
                line.map(|line| layout.with_moved(line, next(usize::from(SIDE) + 1) as u16))
            }
            _ if layout.cells() > 40 => Some(Layout::grid(next(8) as u8, next(8) as u8)),
            _ => None,
        };
        let Some(changed) = changed else { continue };
        match changed.cells().cmp(&layout.cells()) {
            std::cmp::Ordering::Greater => splits += 1,
            std::cmp::Ordering::Less => joins += 1,
            std::cmp::Ordering::Equal => moves += 1,
        }
        holds(&changed);
        assert_eq!(Layout::of_word(&changed.word()).as_ref(), Some(&changed));
        assert!(changed.rects().all(|r| r.right - r.left >= LEAST));
        layout = changed;
    }
    assert!(
        splits > 500 && joins > 300 && moves > 500,
        "{splits} {joins} {moves}"
    );
}

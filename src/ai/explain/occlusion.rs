//! Occlusion (Zeiler and Fergus 2014): a square of mean grey is laid over each place of the picture in turn, and the
//! map says how much the class' logit falls by it. What many squares cover gets the mean over them.

use super::{Explained, Explanation, Question};
use crate::{ai::AiError, model::explanation::Method};
use burn::tensor::{Tensor, TensorData};

/// The square's side, and the distance of two places, as parts of the picture's side.
const SQUARE: usize = 8;
const STRIDE: usize = 16;

/// Pictures in one go.
const BATCH: usize = 4;

/// Losses with sign on a grid of `STRIDE` × `STRIDE` cells (fewer for pictures of fewer pixels).
///
/// # Errors
/// Those of the network, [`AiError::Cancelled`].
pub fn explain<N: Explained>(network: &N, question: &Question<'_>) -> Result<Explanation, AiError> {
    let picture = question.tensor()?;
    let whole = question.class_logits(network, picture.clone())?;
    let logit = question.number(whole)?;
    let side = question.side;
    let cells = STRIDE.min(side);
    // Squares reach over as many cells as they are wide; the outermost ones hang over the edge.
    let reach = (STRIDE / SQUARE).max(1);
    let places: Vec<[usize; 2]> = (0..cells + reach - 1)
        .flat_map(|row| (0..cells + reach - 1).map(move |column| [row, column]))
        .collect();
    let mut losses = Vec::with_capacity(places.len());
    for places in places.chunks(BATCH) {
        question.go_on()?;
        let mut covers = vec![1.0f32; places.len() * side * side];
        for (cover, place) in covers.chunks_mut(side * side).zip(places) {
            let edge = |cell: usize| cell.min(cells) * side / cells;
            let [rows, columns] = place.map(|p| edge((p + 1).saturating_sub(reach))..edge(p + 1));
            for row in rows {
                let from = row * side;
                if let Some(part) = cover.get_mut(from + columns.start..from + columns.end) {
                    part.fill(0.0);
                }
            }
        }
        let data = TensorData::new(covers, [places.len(), 1, side, side]);
        let covers = Tensor::<4>::from_data(data, question.device.burn());
        let logits = question.class_logits(network, picture.clone() * covers)?;
        let logits = super::readback::numbers(logits, question.device)?;
        losses.extend(logits.into_iter().map(|covered| logit - covered));
    }
    let map = means(&losses, cells, reach);
    let data = TensorData::new(map, [cells, cells]);
    let (map, scale) = question.signed(Tensor::from_data(data, question.device.burn()))?;
    Ok(Explanation {
        method: Method::Occlusion,
        map,
        scale,
        logit,
        completeness: None,
    })
}

/// The mean over the squares that cover each cell: those that end in it or up to `reach - 1` cells behind it.
fn means(losses: &[f32], cells: usize, reach: usize) -> Vec<f32> {
    let across = cells + reach - 1;
    let cell = |row: usize, column: usize| {
        let squares =
            (row..row + reach).flat_map(|r| (column..column + reach).map(move |c| (r, c)));
        let sum: f64 = squares
            .filter_map(|(r, c)| losses.get(r * across + c))
            .map(|&loss| f64::from(loss))
            .sum();
        (sum / (reach * reach) as f64) as f32
    };
    (0..cells * cells)
        .map(|i| cell(i / cells, i % cells))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_has_the_mean_of_the_squares_over_it() {
        // Two by two cells, squares two cells wide: nine of them.
        let losses: Vec<f32> = (0..9u8).map(f32::from).collect();
        assert_eq!(super::means(&losses, 2, 2), [2.0, 3.0, 5.0, 6.0]);
        assert_eq!(
            super::means(&[1.0, 2.0, 3.0, 4.0], 2, 1),
            [1.0, 2.0, 3.0, 4.0]
        );
    }
}

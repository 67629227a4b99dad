"""How good a representation is: measures on arrays, their protocols, and the table they end in.

Evidence flows through this room, top to bottom; nothing is imported here, so that a part costs only itself:

    evaluate.py         model and data -> the four representations -> Evidence; alone knows estimators and sources
    weigh.py            the four representations, as arrays -> every row and note
    rows_unlabelled.py  rows_labelled.py  rows_clusters.py      repeats, and the sentence that says how
    reconstruction.py   BCE, MSE, PSNR, SSIM
    rank.py             effective rank, active units, spread
    neighbours.py       k nearest neighbours by cosine
    probes.py           linear probe, accuracy against the number of labels
    clusters.py         k-means, Gaussian mixture, HDBSCAN; agreement, stability, silhouette
    baselines.py        raw values and principal components
    scaling.py  splits.py  labels.py  repeats.py  convergence.py     what several of them share
    evidence.py         the table itself

and for generated samples:

    judging.py          model and data -> samples, real ones, noise -> Judgement; alone knows estimators that sample
    references.py  sample_features.py      which real samples; in what they are compared
    sample_measures.py  features -> every measure, beside floor and ceiling
    frechet.py  kernel_distance.py  manifolds.py  class_balance.py       FID, KID, precision to coverage, class shares
    feature_rows.py     what features must be
    modes.py            planted modes that are kept
    judgement.py        the table itself, and the protocol that no number leaves without
    nearest_data.py     the datum nearest to each sample, and whether that makes it a copy
    latent_directions.py    ways through the latents along which samples change most

and for images made small by their codes:

    compression.py      model and data -> codes and JPEG at several qualities -> Compression
    code_length.py  jpeg.py        what codes cost and what is left of them; the same of JPEG
    rate_table.py       the table itself
"""

"""One file a command, with `run(words) -> exit code`; imported when it is called. This file holds their names."""

COMMANDS = {
    "fit": "train a method on your data: a model, its embeddings and a report",
    "embed": "turn samples into vectors with a trained model",
    "cluster": "put samples into clusters and say what sets each apart",
    "topics": "the topics of a topic model: their words, shares and documents",
    "probe": "name classes by a model's vectors and a few labels, in seconds",
    "finetune": "train a model on with labels: a classifier",
    "predict": "the class of every sample, by a classifier or a probe",
    "suggest": "which samples to label first",
    "evaluate": "measure a model beside raw values, PCA and the untrained network",
    "report": "write the report of a run: one HTML file",
    "reconstruct": "samples after a round trip through the code, as PNG or CSV",
    "sample": "draw new samples from a model that can",
    "translate": "what a model of pairs or of two kinds of images makes of yours, as PNG",
    "restore": "images without noise, with what is missing, or twice as large, as PNG",
    "compress": "bits per pixel of a model's codes against PSNR and SSIM, beside JPEG",
    "methods": "list the methods, and which to try first",
    "datasets": "list the data sets known by name",
    "demo": "all of it on a small set of digits, in under a minute",
}

EXAMPLES = """\
examples:
  nolabel demo
  nolabel fit autoencoder photographs/ --size 64 --out runs/photos
  nolabel embed runs/photos photographs/ -o codes.parquet
  nolabel evaluate runs/photos photographs/

--debug shows the traceback of an error.  --version says which nolabel this is."""

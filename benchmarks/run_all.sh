#!/bin/sh
# Every benchmark, one after the other, then the table. About eight hours on 2 idle cores, three of them the methods that
# learn without labels, one MiniSom; plus the peers' packages the first time. Options are handed to every script:
#
#   benchmarks/run_all.sh            measure
#   benchmarks/run_all.sh --quick    see that everything works: about 10 minutes
#
# PYTHON names the interpreter that has nolabel's dependencies (default: .venv of `make demo`, else python3).
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
  PYTHON=$here/../.venv/bin/python
  [ -x "$PYTHON" ] || PYTHON=python3
fi
failed=""
run() {
  name=$1
  shift
  printf '\n=== %s\n' "$name"
  "$PYTHON" "$here/$name.py" "$@" || failed="$failed $name"
}
run startup "$@"             #  under 1 min
run memory "$@"              #  5 min, most of it the one run with evidence and report
run dense_autoencoder "$@"   #  7 min
run vae "$@"                 #  5 min
run deep "$@"                #  5 min
run denoising "$@"           #  5 min
run supervised "$@"          #  6 min
run self_supervised "$@"     #  10 min a run: 3 of SimCLR and one of each other method, about 3 hours
run simclr_speed "$@"        #  6 min
run finetune "$@"            #  10 min to train the encoder, once, then 5 draws
run tables "$@"              #  3 min
run gan "$@"                 #  20 min a seed: an hour, and some minutes for the classifier that judges
run pix2pix_masked "$@"      #  5 min a seed
run cyclegan_thick "$@"      #  12 min a seed, some of it the classifier that names
run gan_dense "$@"           #  5 min a seed: 25 min
run gan_few "$@"             #  20 min a seed: an hour
run gan_features "$@"        #  6 min
run gan_modes "$@"           #  20 min
run som "$@"                 #  MiniSom to its end takes 10 minutes a seed: about an hour
run views "$@"               #  3 min
run lda "$@"                 #  10 min
run lda_compile "$@"         #  1 min
run lda_stream "$@"          #  5 min
run two_processes "$@"       #  2 min
run folder "$@"              #  5 min, 3.5 GB of disk
run larger_than_memory "$@"  #  6 min, 5 GB of disk
printf '\n'
case " $* " in
  *" --quick "*) "$PYTHON" "$here/table.py" --quick ;;
  *) "$PYTHON" "$here/table.py" ;;
esac
if [ -n "$failed" ]; then
  printf '\nDid not run to its end:%s\n' "$failed" >&2
  exit 1
fi

"""Serve one GGUF file with llama.cpp over an OpenAI-compatible HTTP API until the process is ended.

Usage: ``python -m batchconsole.modelserver --model weights.gguf --port 8080``. For loopback only, because it has no
access control.
"""

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

import xllamacpp

HOST = "127.0.0.1"
SLOTS = 8  # requests decoded together; a CPU gains nothing from larger batches
CONTEXT_TOKENS = 8192  # shared by all slots; each may use as many as the model was trained for


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a GGUF file with llama.cpp on 127.0.0.1.")
    parser.add_argument("--model", required=True, metavar="FILE")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    server = start_server(arguments.model, arguments.port)
    print(f"serving {arguments.model} at {server.listening_address}", flush=True)
    threading.Event().wait()


def start_server(model: str, port: int) -> xllamacpp.Server:
    """Start the server and return it. If it cannot start, exit with a one-line reason; llama.cpp gives none."""
    if not Path(model).is_file():
        sys.exit(f"There is no file {model}.")
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        sys.exit(f"Cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}.")
    try:
        return xllamacpp.Server(parameters(model, port))
    except RuntimeError as error:
        sys.exit(f"llama.cpp cannot serve {model}: is it a GGUF file, and complete? ({error})")


def parameters(model: str, port: int) -> xllamacpp.CommonParams:
    """Return llama.cpp's parameters for many short answers at the same time, and for embeddings."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = [HOST]
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT_TOKENS
    params.kv_unified = True
    # Embeddings beside chat. Chat models define no pooling, and the last token's vector exists for any text length.
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_LAST
    params.warmup = False
    params.ui = False
    params.verbosity = 1
    # Threads spin while they wait for each other: on a CPU in use by others, a thread on the last core costs more than
    # it gains.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) - 1)
    return params


if __name__ == "__main__":
    main()

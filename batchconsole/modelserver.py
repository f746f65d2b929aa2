"""Serve one GGUF file with llama.cpp behind an OpenAI-compatible HTTP interface, until the process is ended.

Usage: ``python -m batchconsole.modelserver --model weights.gguf --port 8080``. Not for anything but loopback: it has no
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
SLOTS = 8  # requests decoded together; batching more than that gains nothing on a processor
CONTEXT_TOKENS = 8192  # shared by all slots, each up to what the model was trained for


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a GGUF file with llama.cpp on 127.0.0.1.")
    parser.add_argument("--model", required=True, metavar="FILE")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    server = start_server(arguments.model, arguments.port)
    print(f"serving {arguments.model} at {server.listening_address}", flush=True)
    threading.Event().wait()


def start_server(model: str, port: int) -> xllamacpp.Server:
    """A running server; what keeps it from running, which llama.cpp does not tell, ends the process in one line."""
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
    """llama.cpp's parameters for many short answers at once, and for embeddings."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = [HOST]
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT_TOKENS
    params.kv_unified = True
    # Embeddings beside chat: the last token's vector, which a text of any length has; a chat model names no pooling.
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_LAST
    params.warmup = False
    params.ui = False
    params.verbosity = 1
    # Threads wait for each other by spinning: on a processor that others use, the last one costs more than it gives.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) - 1)
    return params


if __name__ == "__main__":
    main()

"""A Price List API with rows written by hand in the documented shape: the local stack has no prices to list."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


def product(usagetype: str, usd: str, unit: str = "1K tokens", **attributes: str) -> dict[str, Any]:
    """One entry of ``PriceList``, decoded."""
    sku = f"SKU{abs(hash((usagetype, usd, unit)))}"
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}, "description": "", "appliesTo": []}
    term = {"effectiveDate": "2026-10-01T00:00:00Z", "priceDimensions": {f"{sku}.T.D": dimension}}
    told = {"regionCode": "us-east-1", "servicename": "Amazon Bedrock"} | attributes | {"usagetype": usagetype}
    return {"product": {"sku": sku, "attributes": told}, "terms": {"OnDemand": {f"{sku}.T": term}}}


def claude(usagetype: str, usd: str) -> dict[str, Any]:
    """A row of ``AmazonBedrockFoundationModels``."""
    name = "Claude Haiku 4.5 (Amazon Bedrock Edition)"
    return product(f"USE1-MP:USE1_{usagetype}-Units", usd, "1M tokens", servicename=name)


PRODUCTS = {
    "AmazonBedrock": [
        product("USE1-NovaMicro-input-tokens", "0.000035", model="Nova Micro", inferenceType="Input tokens"),
        product("USE1-NovaMicro-input-tokens-batch", "0.00002", model="Nova Micro", inferenceType="Input tokens batch"),
        product("USE1-NovaMicro-output-tokens-batch", "0.00008", model="Nova Micro", feature="Batch Inference"),
        product("USE1-Mistral-Large-3-675b-Instruct-input-tokens-batch", "0.00025", model="Mistral Large III"),
        product("USE1-Mistral-Large-3-675b-Instruct-output-tokens-batch", "0.00075", model="Mistral Large III"),
        product("USE1-qwen.qwen3-32b-mantle-input-tokens-batch", "0.000075", model="Qwen Three"),
        product("USE1-TitanEmbeddingV2-Text-input-tokens-batch", "0.00001", model="Titan Text Embeddings V2"),
        product("USE1-Unheard-input-tokens-batch", "0.001", model="Unheard Of 1"),
        product("USE1-Unheard-output-tokens-batch", "0.002", model="Unheard Of 1"),
    ],
    "AmazonBedrockFoundationModels": [
        claude("InputTokenCount", "1.10"),
        claude("InputTokenCount_Batch", "0.55"),
        claude("OutputTokenCount_Batch", "2.75"),
        claude("InputTokenCount_Global_Batch", "0.50"),
        claude("OutputTokenCount_Global_Batch", "2.50"),
        claude("CacheReadInputTokenCount_Batch", "0.05"),
    ],
}


class Handler(BaseHTTPRequestHandler):
    """Answers GetProducts one product a page; a service code that is not in the list is refused."""

    products: dict[str, list[dict[str, Any]]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        listed = self.products.get(request["ServiceCode"])
        if listed is None:
            return self.answer(400, {"__type": "AccessDeniedException", "Message": "You may not read prices."})
        wanted = {each["Field"]: each["Value"] for each in request["Filters"]}
        matching = [row for row in listed if wanted.items() <= row["product"]["attributes"].items()]
        start = int(request.get("NextToken", 0))
        page: dict[str, Any] = {"PriceList": [json.dumps(row) for row in matching[start : start + 1]]}
        self.answer(200, page | ({"NextToken": str(start + 1)} if start + 1 < len(matching) else {}))

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def price_list(products: dict[str, list[dict[str, Any]]] = PRODUCTS) -> Iterator[str]:
    """The URL of a Price List API on loopback that lists *products*."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Listed", (Handler,), {"products": products}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

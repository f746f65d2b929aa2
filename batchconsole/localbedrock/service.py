"""The parts of a running service in one object, which every operation receives."""

from pathlib import Path

from batchconsole.localbedrock.engine import Engine
from batchconsole.localbedrock.events import tellers
from batchconsole.localbedrock.faults import Faults, FaultyModel
from batchconsole.localbedrock.modelservers.base import ModelServer
from batchconsole.localbedrock.modelservers.echo import EchoModel
from batchconsole.localbedrock.modelservers.openai import MODEL_CALLS_AT_ONCE, OpenAIModel
from batchconsole.localbedrock.pool import Pool
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.store import Store

CALLS_AT_ONCE = 8


class Service:
    """The store, engine, model and faults of one data folder, which no other process may use."""

    def __init__(self, settings: Settings) -> None:
        folder = Path(settings.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self.faults = Faults()
        self.model: ModelServer = FaultyModel(_model(settings), self.faults)
        self.store = Store(folder / "jobs.sqlite3")
        self.engine = Engine(settings, self.store, self.model)
        self._tellers = tellers(settings, self.store)
        self._calls = Pool(CALLS_AT_ONCE)
        self._model_calls = Pool(MODEL_CALLS_AT_ONCE)

    def pool_for(self, service_name: str) -> Pool:
        """Return the threads for *service_name*; runtime calls have their own, so a slow model blocks no other call."""
        return self._model_calls if service_name == "bedrock-runtime" else self._calls

    @property
    def settings(self) -> Settings:
        return self.engine.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.engine.settings = settings
        self.engine.nudge()

    def start(self) -> None:
        """Start to process jobs and to announce their state changes."""
        self.engine.start()
        for teller in self._tellers:
            teller.start()

    def close(self) -> None:
        self.engine.close()
        for teller in self._tellers:
            teller.close()
        self.store.close()


def _model(settings: Settings) -> ModelServer:
    return EchoModel() if settings.model == "echo" else OpenAIModel(settings)

"""10,000 mutated requests."""

import asyncio
import collections
import os
import random

import wire
from attacks import Generator
from target import Hostile

SEED = int(os.environ.get("SEED", "1"))
COUNT = 10_000
AT_A_TIME = 100
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Mutations(Hostile):
    def test_every_reply_is_whole_and_of_an_allowed_status(self):
        generator = Generator(random.Random(SEED), self.root_key, self.key, self.api_id)
        self.statuses = collections.Counter()
        self.failures = []
        asyncio.run(self.all(generator))
        if self.failures:
            self.fail("\n".join([f"{len(self.failures)} of {COUNT} with SEED={SEED}", *self.failures[:10]]))
        # The requests are not all refused for one reason.
        for status in (200, 400, 401, 404, 405, 413, 431):
            self.assertGreater(self.statuses[status], 5, self.statuses)
        print(dict(sorted(self.statuses.items())), f"{self.memory()} MiB", end=" ")

    async def all(self, generator):
        free = asyncio.Semaphore(AT_A_TIME)

        async def one(attack):
            try:
                await self.one(attack)
            except Exception as error:  # the others go on
                self.failures.append(f"{attack.names} {attack.written[:300]!r}…: {error!r}")
            finally:
                free.release()

        tasks = []
        for _ in range(COUNT):
            await free.acquire()
            tasks.append(asyncio.create_task(one(generator.attack())))
        await asyncio.gather(*tasks)

    async def one(self, attack):
        received, reset = await wire.exchange(self.server.port, [attack.written], attack.half_close)
        if attack.written.startswith(HTTP2_PREFACE):
            return self.check_frames(received)
        for response in self.responses(received, reset, attack.heads):
            self.statuses[response.status] += 1
            self.check(response, attack.names)

    def responses(self, received, reset, heads):
        try:
            return wire.parse(received, heads)
        except wire.Malformed:
            if reset:
                return []
            raise

    def check_frames(self, received):
        """Nothing but whole HTTP/2 frames."""
        while received:
            self.assertGreaterEqual(len(received), 9)
            length = int.from_bytes(received[:3], "big")
            self.assertGreaterEqual(len(received), 9 + length)
            received = received[9 + length:]

# The course in a container; book/setup.md says how to build and run it.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /course
COPY . .

# PyTorch's build for the CPU; PyPI's brings 7 GB of libraries for NVIDIA cards.
ARG PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
ARG PIP_NO_CACHE_DIR=1
RUN make book

EXPOSE 8000 8888
CMD ["make", "serve"]

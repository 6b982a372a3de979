"""SAM 2 and others of the family, as the package transformers has them."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..devices import autocast
from ..errors import InputError
from ..progress import Progress, Steps
from .frame import Frame
from .network import RGB, Candidates, CanvasPrompts
from .words_network import MIDDLE, WordsNetwork

if TYPE_CHECKING:
    from torch import Tensor

# Mean and deviation of the intensities that a model was trained with.
Intensities = tuple[tuple[float, ...], tuple[float, ...]]
_IMAGENET: Intensities = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class _Kind(NamedTuple):
    """What is known of a model by what its configuration calls itself.

    Attributes
    ----------
    pointing : str or None
        The class of the package that answers points and boxes.
    words : str or None
        The class that finds things by words.
    stretches : bool
        Whether images fill the whole canvas, whatever their proportions.
    intensities : Intensities
    """

    pointing: str | None
    words: str | None = None
    stretches: bool = True
    intensities: Intensities = _IMAGENET


_KINDS = {
    "sam": _Kind("SamModel", stretches=False),
    "sam2": _Kind("Sam2Model"),
    # the released files of SAM 2, whose image part is the same
    "sam2_video": _Kind("Sam2Model"),
    "sam3": _Kind(None, "Sam3Model", intensities=MIDDLE),
    "sam3_tracker": _Kind("Sam3TrackerModel", intensities=MIDDLE),
    # the released files of SAM 3, which have both
    "sam3_video": _Kind("Sam3TrackerModel", "Sam3Model", intensities=MIDDLE),
}
# Maps as large as the embedding that a point takes while it is decoded, as the package does it.
_MAPS_PER_POINT = 24


class TransformersNetwork:
    """A model of transformers that answers points and boxes; see `MaskNetwork`.

    Parameters
    ----------
    model
        `transformers.Sam2Model` or `SamModel` with its weights.
    name
        How users call it.
    device
        Where it computes.
    stretches
        Whether images fill the whole canvas, whatever their proportions.
    intensities
        Mean and deviation that it was trained with.
    """

    threshold = 0.0

    def __init__(
        self,
        model: Any,
        name: str,
        device: str,
        *,
        stretches: bool,
        intensities: Intensities = _IMAGENET,
    ) -> None:
        self._intensities = intensities
        self.model = model.eval().requires_grad_(False)
        self.name = name
        self.n_answers = int(model.config.mask_decoder_config.num_multimask_outputs)
        self._stretches = stretches
        side = model.config.prompt_encoder_config.image_size
        self._side = int(np.max(side))
        self.move(device)

    @property
    def bytes_per_point(self) -> float:
        """See `MaskNetwork`."""
        prompts = self.model.config.prompt_encoder_config
        cells = (self._side // int(np.max(prompts.patch_size))) ** 2
        return 4.0 * cells * float(prompts.hidden_size) * _MAPS_PER_POINT

    def move(self, device: str) -> None:
        """See `MaskNetwork`."""
        self.device = device
        self.model.to(device)

    def frame(self, shape: tuple[int, int]) -> Frame:
        """See `MaskNetwork`."""
        if self._stretches:
            return Frame.stretched(shape, self._side)
        return Frame.padded(shape, self._side)

    def embed_steps(self, image: RGB, precision: str) -> Steps[tuple[Tensor, ...]]:
        """See `MaskNetwork`."""
        import torch

        yield Progress("embedding", 0, 1)
        frame = self.frame((image.shape[0], image.shape[1]))
        with torch.inference_mode():
            canvas = on_canvas(image, frame, self._intensities, self.device)
            with autocast(self.device, precision):
                found = self.model.get_image_embeddings(canvas)
        maps = found if isinstance(found, list | tuple) else [found]
        return tuple(one.float() for one in maps)

    def answer(
        self, embedding: tuple[Tensor, ...], prompts: CanvasPrompts, *, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """See `MaskNetwork`."""
        import torch

        if prompts.masks is not None and len(prompts.masks) > 1:
            # The package takes one mask for all boxes of an image.
            answers = [
                self.answer(
                    embedding,
                    replace(
                        prompts,
                        boxes=None if prompts.boxes is None else prompts.boxes[i : i + 1],
                        masks=prompts.masks[i : i + 1],
                    ),
                    multimask=multimask,
                )
                for i in range(len(prompts.masks))
            ]
            return torch.cat([a[0] for a in answers]), torch.cat([a[1] for a in answers])
        if prompts.points is None and prompts.boxes is None:
            # A point that says nothing, which SAM's authors have beside every other.
            nothing = (np.zeros((1, 1, 2)), -np.ones((1, 1), np.int32))
            prompts = replace(prompts, points=nothing[0], signs=nothing[1])
        with torch.inference_mode():
            found = self.model(
                image_embeddings=list(embedding) if len(embedding) > 1 else embedding[0],
                input_points=self._tensor(prompts.points, torch.float),
                input_labels=self._tensor(prompts.signs, torch.int),
                input_boxes=self._tensor(prompts.boxes, torch.float),
                input_masks=None
                if prompts.masks is None
                else torch.as_tensor(prompts.masks, device=self.device),
                multimask_output=multimask,
            )
        return found.pred_masks[0], found.iou_scores[0]

    def candidates(
        self, embedding: tuple[Tensor, ...], points: NDArray[np.float64], least: float
    ) -> Candidates:
        """See `MaskNetwork`."""
        import torch

        prompts = CanvasPrompts(points[:, np.newaxis], np.ones((len(points), 1), np.int32))
        logits, scores = self.answer(embedding, prompts, multimask=True)
        with torch.inference_mode():
            promising = scores > least if least > 0 else torch.ones_like(scores, dtype=torch.bool)
            numbers = promising.nonzero().cpu().numpy()
            return Candidates(logits[promising], scores[promising], numbers[:, 0], numbers[:, 1])

    def _tensor(self, given: NDArray | None, dtype: Any) -> Tensor | None:
        """With an axis for the one image before all others."""
        import torch

        return (
            None if given is None else torch.as_tensor(given, dtype=dtype, device=self.device)[None]
        )


def load_pretrained(name: str, device: str) -> TransformersNetwork | WordsNetwork:
    """A model from a folder, or one that Hugging Face's tools have downloaded before.

    Raises
    ------
    InputError
        If transformers is missing, there is no such model here, or it is of another kind. Nothing
        is downloaded.
    """
    if importlib.util.find_spec("transformers") is None:
        raise InputError(
            f"transformers:{name} needs transformers: pip install 'napari-ncut[transformers]'"
        )
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(name, local_files_only=True)
    # The package raises many kinds of errors of files that are missing, damaged or of others.
    except Exception as error:
        raise _unreadable(name, error) from error
    if config.model_type not in _KINDS:
        raise InputError(
            f"{name} holds a model of the kind {config.model_type!r}. Give one of: "
            f"{', '.join(_KINDS)}, such as a folder of facebook/sam2.1-hiera-tiny."
        )
    kind = _KINDS[config.model_type]
    pointing = None
    if kind.pointing is not None:
        pointing = TransformersNetwork(
            _model(name, kind.pointing),
            f"transformers:{name}",
            device,
            stretches=kind.stretches,
            intensities=kind.intensities,
        )
    if kind.words is None:
        assert pointing is not None
        return pointing
    model = _model(name, kind.words)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, local_files_only=True)
    except Exception as error:
        raise _unreadable(name, error) from error
    if len(tokenizer) < model.config.text_config.vocab_size:
        # The package makes one that knows nothing where the files of one are missing.
        raise InputError(
            f"{name} lacks its tokenizer, which turns words into numbers: tokenizer.json and "
            f"tokenizer_config.json. Get the whole folder again."
        )
    return WordsNetwork(model, tokenizer, f"transformers:{name}", device, pointing)


def _model(name: str, kind: str) -> Any:
    """A model of the package with all its weights; an `InputError` if there is none."""
    import transformers

    if not hasattr(transformers, kind):
        raise InputError(
            f"{name} needs a newer transformers than {transformers.__version__}: "
            f"pip install -U transformers"
        )
    try:
        model, account = getattr(transformers, kind).from_pretrained(
            name, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:
        raise _unreadable(name, error) from error
    missing = sorted(account["missing_keys"])
    if missing:
        raise InputError(
            f"{name} lacks weights of a {kind}: {', '.join(missing[:3])}"
            f"{' …' if len(missing) > 3 else ''}. Get it again."
        )
    return model


def on_canvas(image: RGB, frame: Frame, intensities: Intensities, device: str) -> Tensor:
    """An image (h, w, 3) as a model sees it: (1, 3, side, side), scaled, 0 where no image is."""
    import torch
    import torch.nn.functional as F

    pixels = torch.from_numpy(frame.resized(image).copy()).to(device)
    scaled = pixels.permute(2, 0, 1)[None].float() / 255
    mean, deviation = (scaled.new_tensor(v)[:, None, None] for v in intensities)
    missing = [frame.side - n for n in frame.size]
    return F.pad((scaled - mean) / deviation, (0, missing[1], 0, missing[0]))


def _unreadable(name: str, error: Exception) -> InputError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(
        f"transformers:{name} cannot be loaded ({reason}). Give a folder with config.json and "
        f"model.safetensors; with network, one is had by: hf download facebook/sam2.1-hiera-tiny "
        f"--local-dir FOLDER"
    )

#include "model/parameters.h"

#include <algorithm>

namespace sluice {

Parameters::Parameters(std::vector<Shape> shapes) {
  std::size_t offset = 0;
  for (Shape& shape : shapes) {
    shape.offset = offset;
    offset = round_up(offset + shape.size(), 32);
  }
  shapes_ = std::make_shared<const std::vector<Shape>>(std::move(shapes));
  values_.assign(offset, 0.f);
}

std::size_t Parameters::count() const {
  std::size_t n = 0;
  for (const Shape& shape : *shapes_) n += shape.size();
  return n;
}

std::span<float> Parameters::operator[](std::size_t tensor) {
  const Shape& shape = (*shapes_)[tensor];
  return std::span<float>(values_).subspan(shape.offset, shape.size());
}

std::span<const float> Parameters::operator[](std::size_t tensor) const {
  const Shape& shape = (*shapes_)[tensor];
  return std::span<const float>(values_).subspan(shape.offset, shape.size());
}

const Shape* Parameters::find(std::string_view name) const {
  const auto found = std::find_if(shapes_->begin(), shapes_->end(), [&](const Shape& s) { return s.name == name; });
  return found == shapes_->end() ? nullptr : &*found;
}

Parameters Parameters::zeros_like() const {
  Parameters zeros;
  zeros.shapes_ = shapes_;
  zeros.values_.assign(values_.size(), 0.f);
  return zeros;
}

}  // namespace sluice
